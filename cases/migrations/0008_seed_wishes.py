"""Kinds of wishes, the limits of a wish's stages and its rungs; rungs of before are the incidents'."""

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

DAY = 24 * 60
LIMITS = (
    ("vet", 480, "work_hour"),
    ("claim", 3 * DAY, "natural_day"),
    ("confirm", 240, "work_hour"),
    ("begin", 3 * DAY, "natural_day"),
    ("rate", 15 * DAY, "natural_day"),
)
LADDER = (
    *((stage, 80, 0, "remind") for stage in ("vet", "confirm", "begin", "deliver", "rate")),
    *((stage, 100, 0, "late") for stage in ("vet", "confirm", "deliver")),
    *((stage, 150, 50, "climb") for stage in ("vet", "confirm")),
    ("claim", 100, 0, "to_branch"),
    ("begin", 100, 0, "lapse"),
    ("rate", 100, 0, "close"),
)
#: Code, name, whether the delivery can be photographed.
KINDS = (
    ("01", "上门帮手", True),
    ("02", "陪伴出行", False),
    ("03", "物品", True),
    ("04", "学习辅导", False),
    ("05", "维修安装", True),
    ("06", "健康服务", False),
    ("07", "法律咨询", False),
    ("99", "其他心愿", True),
)


def seed(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    rungs = apps.get_model("cases", "LadderRung").objects
    rungs.filter(kind="").update(kind="incident")
    for stage, percent, repeat_every, deed in LADDER:
        rungs.create(kind="wish", stage=stage, percent=percent, repeat_every=repeat_every, deed=deed)
    policies = apps.get_model("cases", "StagePolicy").objects
    for urgency in ("normal", "urgent"):
        for stage, minutes, timer in LIMITS:
            policies.create(urgency=urgency, stage=stage, minutes=minutes, timer_type=timer)
    policies.create(urgency="normal", stage="answer", minutes=30, timer_type="work_hour")
    policies.create(urgency="urgent", stage="answer", minutes=10, timer_type="urgent_hour")
    classes = apps.get_model("cases", "MatterClass").objects
    wishes, _made = classes.get_or_create(section="wish", code="01", defaults={"name": "微心愿"})
    matters = apps.get_model("cases", "Matter").objects
    for code, name, needs_photo in KINDS:
        matters.create(matter_class=wishes, code=code, name=name, needs_photo=needs_photo)


class Migration(migrations.Migration):
    dependencies = [("cases", "0007_wishes_and_whistles"), ("partymembers", "0004_keep_the_books")]

    operations = [migrations.RunPython(seed, migrations.RunPython.noop)]
