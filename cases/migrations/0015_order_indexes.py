from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    #: Orders go on being written while the indexes are built.
    atomic = False

    dependencies = [
        ("cases", "0014_intake"),
    ]

    operations = [
        AddIndexConcurrently("case", models.Index(fields=["due_at", "id"], name="case_due")),
        AddIndexConcurrently(
            "case",
            models.Index(
                fields=["next_due_at", "id"],
                name="case_next_due",
                condition=models.Q(next_due_at__isnull=False),
            ),
        ),
        AddIndexConcurrently("case", models.Index(fields=["updated_at", "id"], name="case_changed")),
    ]
