from django.db import migrations, models

_CREATE = "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS {name} ON cases_case ({fields}) WHERE NOT (source_number = '')"
_DROP = "DROP INDEX CONCURRENTLY IF EXISTS {name}"
_OLD = {"name": "one_order_a_source_number", "fields": "source, source_number"}
_NEW = {"name": "one_order_a_number_of_a_source", "fields": "source, source_number, is_test"}


class Migration(migrations.Migration):
    #: Orders go on being written while the index is built; the old rule holds until the new one does.
    atomic = False

    dependencies = [
        ("cases", "0016_positions_and_wishes"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(_CREATE.format(**_NEW), _DROP.format(**_NEW)),
                migrations.RunSQL(_DROP.format(**_OLD), _CREATE.format(**_OLD)),
            ],
            state_operations=[
                migrations.RemoveConstraint("case", "one_order_a_source_number"),
                migrations.AddConstraint(
                    "case",
                    models.UniqueConstraint(
                        condition=models.Q(("source_number", ""), _negated=True),
                        fields=("source", "source_number", "is_test"),
                        name="one_order_a_number_of_a_source",
                    ),
                ),
            ],
        ),
    ]
