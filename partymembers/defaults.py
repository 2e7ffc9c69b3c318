"""What a city starts with on the Party's side: earning rules and skills, both edited afterwards.

Plain data; the migration keeps a copy of its own. `seed_defaults` writes the rows that are missing.
"""

from __future__ import annotations

from typing import Final

from django.db import transaction

from partymembers.models import EarningRule, Skill

#: Code, name, points, how they are counted, most a day (0: no cap).
EARNING_RULES: Final = (
    ("wish", "完成微心愿", 50, EarningRule.Per.STATED, 100),
    ("activity", "志愿服务", 10, EarningRule.Per.HOUR, 60),
    ("whistle", "吹哨报到", 10, EarningRule.Per.ONCE, 30),
    ("check_in", "双报到", 5, EarningRule.Per.ONCE, 0),
)
#: Code, name, icon.
SKILLS: Final = (
    ("home_help", "上门帮手", "home"),
    ("company", "陪伴出行", "walk"),
    ("goods", "物品", "box"),
    ("tutoring", "学习辅导", "edit"),
    ("repair", "维修安装", "tool"),
    ("advice", "法律咨询", "doc"),
    ("health", "健康服务", "heart"),
)


@transaction.atomic
def seed_defaults() -> None:
    """Write what is missing; a repeat does nothing."""
    rules = [
        EarningRule(code=code, name=name, points=points, per=per, cap_per_day=cap)
        for code, name, points, per, cap in EARNING_RULES
    ]
    EarningRule.objects.bulk_create(rules, ignore_conflicts=True)
    skills = [Skill(code=code, name=name, icon=icon) for code, name, icon in SKILLS]
    Skill.objects.bulk_create(skills, ignore_conflicts=True)
