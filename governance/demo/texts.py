"""What the demo's people write: addresses, descriptions, results and answers, put together from parts."""

from __future__ import annotations

import random
from typing import Final

from cases.models import Channel
from governance.demo.territory import ROADS
from grids.models import Building

_BESIDE: Final = ("东侧", "西侧", "门前", "楼下", "南面人行道", "北面道路", "单元门口")
_CORNERS: Final = ("路口", "交叉口东北角", "公交站旁", "菜场门口", "学校门口", "桥头", "红绿灯旁")

_EXTRA: Final[dict[str, tuple[str, ...]]] = {
    "hole": ("已放警示锥", "晚上看不清，容易绊倒", "旁边就是斑马线，老人小孩走得多", "深约 40 厘米", "车辆经过都绕行"),
    "rubbish": ("已经两三天了", "味道比较大，住户有意见", "占了半边人行道", "约有一小车的量", "风一吹到处都是"),
    "lamp": ("晚上这一段很黑", "连着三盏都这样", "下晚自习的学生从这里走", "灯杆号牌在背面"),
    "road": ("骑车的人容易摔", "下雨就积水", "面积约两平方米", "轮椅过不去", "昨天有人绊倒"),
    "water": ("一直往外流", "已经漫到非机动车道", "附近住户反映水压变小", "有异味", "行人只能绕到快车道"),
    "tree": ("挡住一半人行道", "枝条搭在电线上", "风大时很危险", "遮挡了路口视线"),
    "street": ("早晚高峰最严重", "行人被挤到机动车道", "劝过几次又回来", "已经持续一个多小时"),
    "poster": ("整面墙都有", "楼道里也有不少", "刚清过又贴上了", "字迹还很新"),
    "works": ("附近居民反映强烈", "没有看到公示牌", "车辆进出带泥", "一直到很晚"),
    "compound": ("担架都过不去", "楼上住户多次反映", "物业劝过没有效果", "有安全隐患"),
    "cable": ("大车经过会刮到", "离地不到两米", "接头露在外面", "没有人认领"),
}  # fmt: skip
_RESULTS: Final[dict[str, tuple[str, ...]]] = {
    "hole": ("已补装到位，四周压实，现场清净。", "更换新件并固定，踩踏无响声。", "先围挡后修复，警示锥已撤。"),
    "rubbish": ("已清运干净，地面冲洗。", "安排专人清扫，桶位归整。", "清运约 0.6 立方米，加密巡查。"),
    "lamp": ("更换灯头，已亮。", "线路接头老化，已重新接线，试亮正常。", "更换控制器，晚间复查正常。"),
    "road": ("破损处已铲除重铺，通行正常。", "面砖补齐，勾缝找平。", "松动处已加固，边角抹平。"),
    "water": ("已疏通，水位下降，路面冲洗干净。", "关阀止水并修复管道，供水恢复。", "清掏井内淤泥，排水顺畅。"),
    "tree": ("断枝已清运，伤口处理。", "修剪到位，不再遮挡。", "扶正并加固支撑。"),
    "street": ("现场劝离，摆放整齐。", "已责令退回店内经营，秩序恢复。", "清理归位，安排人员值守。"),
    "poster": ("已清除并用同色涂料覆盖。", "全部铲除，对张贴者追查。", "清理完毕，墙面恢复。"),
    "works": ("已责令整改，复查合格。", "现场停工，围挡扶正加固。", "裸土覆盖，喷淋开启。"),
    "compound": ("杂物已搬离，通道畅通。", "已联系当事人清理，贴出告示。", "维修完毕，恢复使用。"),
    "cable": ("线缆收紧绑扎，高度达标。", "废弃线缆已剪除。", "箱门锁好，接头包扎。"),
}  # fmt: skip
DECLINED: Final = (
    "现场查看没有发现所述情况。",
    "属于业主之间的民事纠纷，已告知联系人民调解。",
    "不在事项清单内，已告知拨打相关行业电话。",
    "位置不在本市范围，已退回来电平台。",
)
RETURNED: Final = (
    "经查产权不属本单位，请改派产权单位。",
    "该路段已移交街道管养，请重新派单。",
    "属于物业管理范围，请派物业公司。",
)
EXTENSIONS: Final = (
    "配件需要厂家发货，预计后天到货。",
    "连续降雨无法铺沥青，请予延期。",
    "需与交警协调占道施工时间。",
    "产权单位正在会商，资料补齐后立即施工。",
)
SUSPENSIONS: Final = ("等待法院裁定后执行。", "列入老旧小区改造，随项目实施。", "冬季不宜栽植，待开春补种。")
FAILED: Final = (
    "主体已修好，周边没有清理。",
    "仍有渗漏，需重新处理。",
    "只处理了一半，东侧还有。",
    "照片与现场不符。",
)
URGED: Final = ("群众又来电，请抓紧。", "临近时限，请尽快处置。", "学校门口，请优先。")
SUPERVISED: Final = ("涉及安全，请盯到底。", "同一地点多次反映，挂牌督办。")
INSTRUCTED: Final = (
    "请城管、街道合力解决，举一反三。",
    "群众身边小事要快办，结果报我。",
    "查清原因，防止反复。",
)
ESCALATED: Final = ("涉及两个社区，请街道协调。", "本社区无处置力量，请上级统筹。")
COMMENTS: Final = (
    "已联系当事人，约好下午到场。",
    "现场看过，需要吊车配合。",
    "已告知反映人处理进度。",
    "材料已领，明早施工。",
)
VOIDED: Final = ("重复登记，原单已办结。", "反映人主动撤回，现场无异常。")
REOPENED: Final = ("回头看发现问题反复。", "抽查发现整改不彻底。")
JOINED: Final = ("我家门口也是这个情况。", "同一处，昨天就看到了。", "是同一件，麻烦快一点。")
PRAISE: Final = ("处理得很快，谢谢。", "第二天就弄好了。", "工作人员态度好。", "弄得很干净。", "", "", "")
SO_SO: Final = ("时间有点长，总算解决了。", "基本解决，希望常来看看。", "")
COMPLAINTS: Final = ("过了几天又是老样子。", "没有真正解决。", "只拍了照片，没有处理。")


def address_at(building: Building, rng: random.Random) -> str:
    """Where something was seen: beside a building, on a road, at a corner."""
    kind = rng.random()
    road = rng.choice(ROADS)
    if kind < 0.5 and building.compound is not None:
        return f"{building.compound.name}{building.place.name}{rng.choice(_BESIDE)}"
    if kind < 0.8:
        return f"{road} {rng.randint(1, 260)} 号{rng.choice(_BESIDE[:3])}"
    return f"{road}与{rng.choice([each for each in ROADS if each != road])}{rng.choice(_CORNERS[:2])}"


def description(condition: str, scene: str, channel: str, rng: random.Random) -> str:
    """What a reporter of that channel says of a condition."""
    extra = rng.choice(_EXTRA[scene])
    if channel == Channel.HOTLINE:
        return f"来电人反映：{condition}，{extra}，希望有关单位尽快处理。"
    if channel == Channel.SENSOR:
        return f"视频识别：{condition}。识别可信度 0.{rng.randint(82, 97)}。"
    if channel == Channel.ABOVE:
        return f"上级交办：{condition}，{extra}，请核实处理并反馈。"
    if channel == Channel.RESIDENT:
        return f"{condition}，{extra}。{rng.choice(('麻烦尽快处理。', '请派人看看。', '谢谢。', ''))}"
    return f"{condition}，{extra}。" if rng.random() < 0.7 else f"{condition}。"


def result(scene: str, rng: random.Random) -> str:
    """What the handler says was done."""
    return rng.choice(_RESULTS[scene])


#: Wishes: kind, skill, what the asker says, title and text on the wall, points.
WISHES: Final = [
    (
        "陪伴出行",
        "company",
        "后天上午要去做白内障检查，眼睛不敢见光，想请人陪着去。",
        "陪同去做一次眼科检查",
        "老人独自居住，上午出门，中午前回来。",
        20,
    ),
    (
        "学习辅导",
        "tutoring",
        "外孙今年小升初，英语底子薄，我和老伴都不会。",
        "小升初英语找一位辅导老师",
        "六年级，周日上午一小时，共五次，在社区活动室。",
        30,
    ),
    (
        "物品",
        "goods",
        "脚扭了要歇三个星期，想借副拐杖。",
        "借一副拐杖，用三周",
        "脚伤恢复期间用，用完洗净归还。",
        10,
    ),
    (
        "维修安装",
        "repair",
        "门口感应灯坏了，夜里回家摸黑。",
        "门前感应灯不亮，想修好",
        "夜间出入不便，灯具已备好。",
        15,
    ),
    (
        "上门帮手",
        "home_help",
        "阳台杂物想清一清，我一个人搬不动。",
        "帮忙清理阳台杂物",
        "高龄老人，两人一小时可以完成。",
        15,
    ),
    (
        "物品",
        "goods",
        "孩子们的旧绘本想送给有需要的人家，也想换几本新的。",
        "绘本互换，盼有人牵头",
        "约二十本，适合三到六岁。",
        10,
    ),
    (
        "上门帮手",
        "home_help",
        "社保认证要在手机上弄，弄了几回都没成。",
        "教老人在手机上办社保认证",
        "可到社区服务站办理，半小时左右。",
        10,
    ),
    (
        "健康服务",
        "health",
        "老伴卧床，想请懂护理的人教教翻身拍背。",
        "上门教一次居家护理",
        "卧床病人家属想学翻身和拍背。",
        20,
    ),
    (
        "法律咨询",
        "advice",
        "装修公司拖着不返工，合同在手里，不知道怎么办。",
        "咨询装修合同纠纷",
        "带合同到社区服务站，约一小时。",
        15,
    ),
    (
        "维修安装",
        "repair",
        "卫生间想装个扶手，怕滑倒。",
        "卫生间加装一副扶手",
        "材料已买好，需要会打孔安装。",
        20,
    ),
]
DELIVERED: Final = [
    "按约定时间办好，当面看过没有问题。",
    "已经完成，说好下次有事再联系。",
    "办好了，老人很高兴。",
    "东西已送到手上并教会使用。",
]
