"""The event log refuses what would rewrite history, whoever asks."""

from django.db import migrations

GUARD = """
CREATE FUNCTION cases_event_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'the event log is append-only';
    END IF;
    IF OLD.position IS NULL AND NEW.position IS NOT NULL
       AND (to_jsonb(NEW) - 'position') = (to_jsonb(OLD) - 'position') THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'the event log is append-only';
END $$;
CREATE TRIGGER cases_event_guard BEFORE UPDATE OR DELETE ON cases_caseevent
    FOR EACH ROW EXECUTE FUNCTION cases_event_guard();
"""
UNGUARD = "DROP TRIGGER cases_event_guard ON cases_caseevent; DROP FUNCTION cases_event_guard();"


class Migration(migrations.Migration):
    dependencies = [("cases", "0001_initial")]

    operations = [migrations.RunSQL(GUARD, UNGUARD)]
