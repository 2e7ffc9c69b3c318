"""The demo city's catalogue as data: codes, names and limits as a real city has them, all else our own.

A limit is written `2u` (urgent hours), `4h` (working hours), `2d` (working days), `2n` (natural days), and has
its condition behind it.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class GivenMatter(NamedTuple):
    """One matter: who is responsible (a key of `units`; `office` and `property`: the street's own)."""

    code: str
    name: str
    limits: tuple[str, ...]
    unit: str
    #: How often it is reported, and the scene of its pictures.
    weight: int
    scene: str
    keywords: str = ""
    direct: bool = False
    photo: bool = True
    fallback: bool = False


class GivenClass(NamedTuple):
    """A major class with its matters; `unit` answers for the whole class where no matter's rule does."""

    section: str
    code: str
    name: str
    unit: str
    matters: tuple[GivenMatter, ...]


M = GivenMatter
CLASSES: Final = (
    GivenClass("component", "01", "公用设施", "roads", (
        M("01", "上水井盖", ("2u 井盖不见了或翘起，人车会跌进去", "4h 盖面有缺口", "2d 车一压就响", "5d 四周路面下陷"),
          "water", 4, "hole", "自来水井盖 窨井盖"),
        M("03", "雨水井盖", ("2u 井盖丢失或移位，有坠落危险", "4h 盖面碎裂一角", "2d 松动有响声", "5d 井边路面不平"),
          "roads", 6, "hole", "下水道盖 窨井盖", direct=True),
        M("04", "雨水箅子", ("2u 箅子缺失，留下深坑", "4h 断条变形", "2d 移位外露", "5d 周边塌陷", "1d 被泥沙树叶堵住"),
          "roads", 7, "hole", "下水口 雨水口 水篦子", direct=True),
        M("28", "电力设施", ("4d 箱体锈蚀掉漆", "1d 箱门敞开", "1d 贴满广告", "5d 基座倾斜"), "power", 2, "cable", "电箱 变压器"),
        M("31", "通信立杆", ("4u 杆子快倒了", "5d 杆身倾斜", "1d 杆上挂物", "5d 停用未拆"), "cable", 2, "cable", "电线杆 网线杆"),
        M("37", "路灯", ("1d 一盏或几盏不亮", "1d 白天长明", "2d 灯罩破损", "2d 灯杆掉漆锈蚀", "2h 灯杆漏电或将倒", "3d 灯杆缺号牌"),
          "roads", 9, "lamp", "灯不亮 黑灯", direct=True),
        M("46", "户外健身设施", ("1d 器材松动伤人", "5d 部件缺失", "1d 积灰污损", "3d 地垫破损"),
          "property", 4, "compound", "健身器材 跑步机"),
        M("49", "燃气调压站（箱）", ("1d 箱门未锁", "2d 外壳破损", "1d 周围堆物", "3d 标志不清"), "gas", 1, "cable", "煤气箱"),
        M("50", "监控电子眼", ("1d 立杆倾斜", "3d 镜头朝向不对", "1d 线缆外露", "3d 外壳破损"), "cable", 1, "cable", "摄像头"),
        M("54", "充电站（桩）", ("2d 插座损坏充不上", "5d 棚架破损", "1d 线头外露", "10d 需要更换设备"),
          "property", 5, "compound", "充电棚 电动车充电"),
        M("86", "台阶", ("3d 踏步破损、缺角",), "roads", 2, "road", "楼梯 踏步"),
        M("81", "无障碍坡道及盲道", ("5d 盲道砖缺失或被占",), "roads", 2, "road", "盲道 坡道"),
    )),
    GivenClass("component", "02", "道路交通设施", "traffic", (
        M("04", "公交站亭（牌）", ("1d 玻璃破碎", "5d 顶棚漏雨", "5d 座椅损坏", "3d 站牌字迹不清", "1d 站亭脏污", "1d 灯箱不亮", "7d 亭体锈蚀"),
          "traffic", 2, "road", "公交站 站台"),
        M("12", "路名牌", ("3d 牌面倾斜", "3d 字迹脱落", "2d 被遮挡", "1d 贴有广告", "5d 缺失"), "traffic", 2, "road", "路牌"),
        M("17", "交通护栏", ("1d 护栏倒伏占道", "3d 缺段", "1d 脱节", "5d 锈蚀掉漆"), "traffic", 4, "road", "隔离栏 栏杆"),
        M("84", "人行道", ("7d 面砖大片破损", "7d 沉陷积水", "7d 隆起", "5d 面砖松动缺失"), "roads", 7, "road", "地砖 便道 翘砖"),
        M("86", "路沿石", ("7d 成段缺失", "5d 松动破损"), "roads", 3, "road", "马路牙子"),
    )),
    GivenClass("component", "03", "市容环境设施", "clean", (
        M("01", "公共厕所", ("3d 门窗损坏", "4h 无水冲洗", "4h 便池堵塞", "1d 灯不亮", "4h 地面脏湿", "4h 有异味", "2d 洗手台损坏", "5d 墙面脱落"),
          "clean", 4, "rubbish", "公厕 厕所"),
        M("05", "垃圾箱（果皮箱、桶）", ("1d 桶身破损", "3d 缺少桶盖", "3d 位置不当", "3d 数量不足", "1d 桶体脏污", "4h 满了没清"),
          "clean", 7, "rubbish", "垃圾桶 果皮箱"),
        M("08", "宣传栏", ("1d 玻璃破碎", "3d 栏体倾斜", "3d 锈蚀", "3d 内容过期", "4h 有倒塌危险"), "office", 2, "poster", "公告栏"),
    )),
    GivenClass("component", "04", "园林绿化设施", "green", (
        M("02", "行道树", ("1d 枝条断落挡路", "15d 枯死需补种", "2d 遮挡路灯或信号灯", "2d 树干倾斜"), "green", 6, "tree", "树枝 大树"),
        M("07", "街头座椅", ("3d 板条断裂", "1d 座面脏污", "1d 螺丝外露", "3d 基座松动"), "green", 2, "tree", "长椅 凳子"),
        M("08", "绿地护栏", ("1d 倒伏", "3d 缺段", "1d 松动", "3d 锈蚀"), "green", 2, "tree", "草坪围栏"),
    )),
    GivenClass("event", "01", "市容环境", "clean", (
        M("01", "私搭乱建", ("2n 正在搭建，先行制止", "15d 已经建成，依法拆除"), "office", 4, "works", "违建 违章建筑 加盖"),
        M("07", "沿街晾挂", ("2u 沿街树间、护栏上晾晒",), "office", 4, "street", "晒衣服 晾被子"),
        M("10", "暴露生活垃圾", ("4h 袋装垃圾堆在桶外或路边",), "clean", 15, "rubbish", "垃圾 乱扔垃圾 垃圾堆", direct=True),
        M("11", "积存垃圾渣土", ("5d 建筑垃圾、渣土堆积多日",), "clean", 6, "rubbish", "建筑垃圾 装修垃圾 渣土"),
        M("12", "道路不洁", ("2h 路面污物明显",), "clean", 7, "rubbish", "路脏 没人扫"),
        M("13", "道路破损", ("5d 坑槽、裂缝", "5d 车辙、拥包", "5d 路边塌边"), "roads", 7, "road", "路坏了 坑洼"),
        M("20", "焚烧垃圾、树叶", ("2u 正在冒烟燃烧",), "air", 3, "rubbish", "烧垃圾 冒烟"),
        M("28", "商业噪音", ("2u 音响、叫卖扰民",), "order", 7, "street", "噪音 音响 太吵 广场舞", photo=False),
        M("30", "乱倒乱排污水、废水", ("2d 向路面泼倒", "2d 私接管道排入雨水口", "2d 洗车污水横流", "1d 餐饮油污外排"),
          "drain", 5, "water", "污水 臭水"),
        M("35", "废弃家具设备", ("2d 旧家具丢在公共场地",), "property", 6, "compound", "旧沙发 大件垃圾"),
        M("36", "乱堆物堆料", ("1d 占用公共场地堆放杂物",), "property", 8, "compound", "楼道堆物 杂物 堆放"),
        M("84", "违规养犬", ("1d 遛狗不牵绳、犬吠扰民",), "order", 5, "street", "狗 养狗 遛狗", photo=False),
        M("92", "垃圾满溢", ("4h 桶满外溢",), "clean", 8, "rubbish", "垃圾桶满了", direct=True),
        M("80", "线体垂落", ("1d 线缆垂下碰头、拖地",), "cable", 7, "cable", "飞线 电线掉下来 网线"),
    )),
    GivenClass("event", "02", "宣传广告", "order", (
        M("01", "非法小广告", ("1d 乱贴乱喷小广告",), "office", 8, "poster", "牛皮癣 小广告"),
        M("03", "违规户外广告", ("1d 破损有坠落危险", "5d 未经批准设置"), "order", 3, "poster", "广告牌"),
        M("06", "违规牌匾标识", ("2d 招牌破损或超出范围",), "order", 2, "poster", "招牌 店招"),
    )),
    GivenClass("event", "03", "施工管理", "works", (
        M("01", "施工扰民", ("2u 夜间施工", "2u 午间噪声"), "works", 5, "works", "夜里施工 工地吵", photo=False),
        M("02", "施工占道", ("1d 材料、围挡占用道路",), "works", 3, "works", "占路施工"),
        M("04", "工地扬尘", ("2h 未覆盖、未喷淋",), "works", 4, "works", "灰尘 扬尘"),
        M("07", "施工工地围挡", ("3d 破损", "2d 缺段", "1d 倾斜有危险", "3d 脏污"), "works", 2, "works", "围挡"),
    )),
    GivenClass("event", "04", "街面秩序", "order", (
        M("01", "无照经营游商", ("2u 流动摊点占道叫卖",), "office", 6, "street", "小摊 摆摊"),
        M("05", "店外经营", ("2u 货物、桌椅摆出店外",), "office", 7, "street", "占道经营 出店"),
        M("10", "非机动车乱停放", ("2h 电动车、自行车乱停",), "property", 10, "street", "电动车乱停 自行车 乱停车"),
        M("96", "占用消防通道", ("2h 车辆、杂物堵住消防通道",), "property", 7, "compound", "消防通道 堵门 生命通道", direct=True),
        M("93", "共享单车管理", ("1d 成堆倒伏", "2h 堵住路口", "1d 进入小区", "1d 挂树、入河", "1d 破损", "1d 占盲道"),
          "", 5, "street", "共享单车 单车堆积"),
    )),
    GivenClass("event", "05", "突发事件", "safety", (
        M("01", "供水管道破裂", ("1u 正在喷水，先关阀止水", "5d 修复管道和路面"), "water", 3, "water", "爆管 漏水 水管", direct=True),
        M("03", "排水管道堵塞、破裂", ("4h 污水冒溢", "1u 大面积漫流，影响通行"), "drain", 6, "water", "下水道堵 返水", direct=True),
        M("05", "路面塌陷", ("2u 路面塌陷，先围挡警示",), "roads", 2, "hole", "塌陷 大坑", direct=True),
        M("06", "道路积水", ("2u 积水影响通行",), "drain", 5, "water", "积水 内涝 淹水"),
        M("96", "高空坠物", ("2u 外墙、窗扇有坠落危险",), "housing", 2, "compound", "掉东西 墙皮脱落"),
    )),
    GivenClass("event", "06", "其他事件", "", (
        M("98", "桥下空间管理", ("2h 有人违规占用", "1d 堆放杂物", "5d 设施损坏", "1d 环境脏乱"), "", 2, "rubbish", "桥底下"),
        M("04", "门前四包（五包）", ("4h 门前责任没有落实",), "office", 4, "street", "门前三包", fallback=True),
    )),
)  # fmt: skip
