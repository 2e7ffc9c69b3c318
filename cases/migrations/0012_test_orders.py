from django.db import migrations, models

# Without it PostgreSQL takes half of all orders for tests until it has looked by itself.
LOOK_AT_THE_COLUMN = "ANALYZE cases_case (is_test);"


class Migration(migrations.Migration):
    #: Nobody waits for the look at the rows: the lock of the new column is gone by then.
    atomic = False

    dependencies = [
        ("cases", "0011_ladder_followed"),
    ]

    operations = [
        migrations.AddField(
            model_name="case",
            name="is_test",
            field=models.BooleanField(db_default=False, default=False, editable=False, verbose_name="test"),
        ),
        migrations.RunSQL(LOOK_AT_THE_COLUMN, migrations.RunSQL.noop),
    ]
