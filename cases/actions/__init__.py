"""Every write to an order; one file a stage. Nothing else changes one."""
