"""What is forgotten in time, and where it goes: old messages, their deliveries, audit entries, sessions.

Never the event log, never a message that is urgent and unread. Command: `manage.py forget_old_rows`; beat
does the same every few hours.
"""
