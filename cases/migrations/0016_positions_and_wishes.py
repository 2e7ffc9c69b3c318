from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    #: Orders go on being written while the indexes are built.
    atomic = False

    dependencies = [
        ("cases", "0015_order_indexes"),
    ]

    operations = [
        AddIndexConcurrently("case", models.Index(fields=["lng", "lat"], name="case_position")),
        AddIndexConcurrently(
            "case",
            models.Index(fields=["-reported_at", "-id"], name="case_wishes", condition=models.Q(kind="wish")),
        ),
    ]
