"""What is forgotten in time, and where it goes: old messages, audit entries, sessions, answers, exports.

Never the event log, never a message that is urgent and unread. Command: `manage.py forget_old_rows`; beat
does the same every few hours.
"""
