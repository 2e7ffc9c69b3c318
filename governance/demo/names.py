"""Invented people: names put together from lists, and phones in a range kept for the demo (199 0000 xxxx)."""

from __future__ import annotations

import random
from typing import Final

_SURNAMES: Final = "陈 王 李 张 刘 杨 周 吴 徐 孙 马 朱 胡 郭 何 高 林 罗 郑 梁 谢 宋 唐 许 韩 冯 邓 曹 彭 曾 萧 田 董 潘 袁 蔡 蒋 余 于 杜 叶 程 魏 苏 吕 丁 任 卢 姚 沈 钟 姜 崔 谭 陆 范 汪 廖 石 金 贾 夏 傅 方 邹 熊 白 孟 秦 邱 侯 江 尹 薛 阎 段 雷 龙 史 陶 贺 顾 毛 郝 龚 邵 万 钱 严 覃 武 戴 莫 孔 向 常".split()
_GIVEN: Final = "守正 明远 秀兰 建国 丽萍 志强 文静 海燕 国平 春梅 家豪 雨桐 思源 晓东 玉珍 立新 永康 慧敏 振华 雪梅 子涵 宏伟 淑芬 俊杰 桂英 新民 婷婷 爱华 长青 小军 红霞 德明 佳怡 卫东 素琴 光辉 美玲 成林 月华 大勇 云飞 静怡 学文 巧云 启明 兰芳 广田 瑞雪 世杰 青松".split()


class People:
    """Gives out names, no name twice, and phone numbers in order."""

    def __init__(self, seed: int) -> None:
        names = [surname + given for surname in _SURNAMES for given in _GIVEN]
        random.Random(f"{seed} names").shuffle(names)
        self._names = iter(names)
        self._phone = 0

    def name(self) -> str:
        """The next name."""
        return next(self._names)

    def phone(self) -> str:
        """The next number."""
        self._phone += 1
        return f"1990000{self._phone:04d}"
