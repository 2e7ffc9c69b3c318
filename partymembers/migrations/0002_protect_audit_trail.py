"""The audit trail only grows: PostgreSQL itself refuses to change or delete an entry."""

from django.db import migrations

PROTECT = """
CREATE FUNCTION partymembers_protect_audit_entry() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE'
       AND current_setting('gezhi.retention', true) = 'on'
       AND OLD.at < now() - interval '6 months' THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'an audit entry cannot be changed or deleted (entry %)', OLD.id
        USING ERRCODE = 'integrity_constraint_violation';
END
$$;
CREATE TRIGGER partymembers_audit_entry_only_grows
    BEFORE UPDATE OR DELETE ON partymembers_auditentry
    FOR EACH ROW EXECUTE FUNCTION partymembers_protect_audit_entry();
"""

RELEASE = """
DROP TRIGGER partymembers_audit_entry_only_grows ON partymembers_auditentry;
DROP FUNCTION partymembers_protect_audit_entry();
"""


class Migration(migrations.Migration):
    dependencies = [("partymembers", "0001_initial")]

    operations = [migrations.RunSQL(PROTECT, RELEASE)]
