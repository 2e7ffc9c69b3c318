"""A city can take orders right after `migrate`: limits of the stages, the ladder, the catalogue's version."""

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

STAGES = ("accept", "dispatch", "acknowledge", "check", "decide")
POLICIES = {
    "normal": ((30, 30, 60, 240, 120), "work_hour"),
    "urgent": ((10, 10, 15, 60, 30), "urgent_hour"),
}
LADDER = ((80, 0, "remind"), (100, 0, "late"), (150, 50, "climb"))


def seed(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    policies = apps.get_model("cases", "StagePolicy").objects
    for urgency, (limits, timer) in POLICIES.items():
        for stage, minutes in zip(STAGES, limits, strict=True):
            policies.create(urgency=urgency, stage=stage, minutes=minutes, timer_type=timer)
    rungs = apps.get_model("cases", "LadderRung").objects
    for percent, repeat_every, deed in LADDER:
        rungs.create(percent=percent, repeat_every=repeat_every, deed=deed)
    apps.get_model("cases", "CatalogueVersion").objects.create(pk=1)


class Migration(migrations.Migration):
    dependencies = [("cases", "0002_append_only")]

    operations = [migrations.RunPython(seed, migrations.RunPython.noop)]
