"""The database keeps the points' books itself, and a city starts with earning rules and skills."""

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

KEEP = """
CREATE FUNCTION partymembers_ledger_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the points ledger is append-only (% of %)', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER partymembers_entry_only_grows BEFORE UPDATE OR DELETE ON partymembers_pointsentry
    FOR EACH ROW EXECUTE FUNCTION partymembers_ledger_only_grows();
CREATE TRIGGER partymembers_transaction_only_grows BEFORE UPDATE OR DELETE ON partymembers_pointstransaction
    FOR EACH ROW EXECUTE FUNCTION partymembers_ledger_only_grows();

CREATE FUNCTION partymembers_entry_moves_balance() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE partymembers_pointsaccount SET balance = balance + NEW.amount
        WHERE id = NEW.account_id AND kind = 'person';
    RETURN NULL;
END $$;
CREATE TRIGGER partymembers_entry_moves_balance AFTER INSERT ON partymembers_pointsentry
    FOR EACH ROW EXECUTE FUNCTION partymembers_entry_moves_balance();

CREATE FUNCTION partymembers_balance_follows_entries() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.balance <> 0 THEN
            RAISE EXCEPTION 'an account starts with nothing'
                USING ERRCODE = 'integrity_constraint_violation';
        END IF;
    ELSIF NEW.balance <> OLD.balance AND pg_trigger_depth() < 2 THEN
        RAISE EXCEPTION 'a balance follows its entries' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER partymembers_balance_follows_entries BEFORE INSERT OR UPDATE ON partymembers_pointsaccount
    FOR EACH ROW EXECUTE FUNCTION partymembers_balance_follows_entries();

CREATE FUNCTION partymembers_transaction_balances() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    moved_by bigint := (to_jsonb(NEW) ->> (CASE TG_TABLE_NAME
        WHEN 'partymembers_pointsentry' THEN 'transaction_id' ELSE 'id' END))::bigint;
    total bigint;
    sides integer;
BEGIN
    SELECT coalesce(sum(amount), 0), count(*) INTO total, sides
        FROM partymembers_pointsentry WHERE transaction_id = moved_by;
    IF total <> 0 OR sides < 2 THEN
        RAISE EXCEPTION 'points transaction % does not balance (% sides, sum %)', moved_by, sides, total
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER partymembers_entries_balance AFTER INSERT ON partymembers_pointsentry
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION partymembers_transaction_balances();
CREATE CONSTRAINT TRIGGER partymembers_transaction_balances AFTER INSERT ON partymembers_pointstransaction
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION partymembers_transaction_balances();
"""

RELEASE = """
DROP TRIGGER partymembers_transaction_balances ON partymembers_pointstransaction;
DROP TRIGGER partymembers_entries_balance ON partymembers_pointsentry;
DROP FUNCTION partymembers_transaction_balances();
DROP TRIGGER partymembers_balance_follows_entries ON partymembers_pointsaccount;
DROP FUNCTION partymembers_balance_follows_entries();
DROP TRIGGER partymembers_entry_moves_balance ON partymembers_pointsentry;
DROP FUNCTION partymembers_entry_moves_balance();
DROP TRIGGER partymembers_transaction_only_grows ON partymembers_pointstransaction;
DROP TRIGGER partymembers_entry_only_grows ON partymembers_pointsentry;
DROP FUNCTION partymembers_ledger_only_grows();
"""

RULES = (
    ("wish", "完成微心愿", 50, "stated", 100),
    ("activity", "志愿服务", 10, "hour", 60),
    ("whistle", "吹哨报到", 10, "once", 30),
    ("check_in", "双报到", 5, "once", 0),
)
SKILLS = (
    ("home_help", "上门帮手", "home"),
    ("company", "陪伴出行", "walk"),
    ("goods", "物品", "box"),
    ("tutoring", "学习辅导", "edit"),
    ("repair", "维修安装", "tool"),
    ("advice", "法律咨询", "doc"),
    ("health", "健康服务", "heart"),
)


def seed(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    rules = apps.get_model("partymembers", "EarningRule").objects
    for code, name, points, per, cap in RULES:
        rules.create(code=code, name=name, points=points, per=per, cap_per_day=cap)
    skills = apps.get_model("partymembers", "Skill").objects
    for code, name, icon in SKILLS:
        skills.create(code=code, name=name, icon=icon)


class Migration(migrations.Migration):
    dependencies = [("partymembers", "0003_party_branches")]

    operations = [
        migrations.RunSQL(KEEP, RELEASE),
        migrations.RunPython(seed, migrations.RunPython.noop),
    ]
