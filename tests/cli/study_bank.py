"""A bank to practise on: eight 单选题, four 多选题 and six 判断题 of two 专业, some with an explanation."""

from tests.fakes import question
from xiaoan.question_bank.question import QuestionBank, QuestionType

_SINGLE = (
    ("站内高压室发生接地故障，人员与故障点至少隔开（ ）m。", "4", ("2", "4", "8"), "变电安规 5.2"),
    ("户外配电装置接地，人员与故障点至少隔开（ ）m。", "8", ("4", "6", "8"), "变电安规 5.2"),
    ("打雷下雨时到户外巡视高压设备，脚上应穿（ ）。", "绝缘靴", ("布鞋", "绝缘靴", "胶鞋"), "变电安规 5.2"),
    ("电气值班人员体检，隔（ ）年做一次就不合格。", "三", ("一", "二", "三"), "变电安规 4"),
    ("低压是指交流（ ）V 及以下的电压等级。", "1000", ("220", "380", "1000"), "变电安规 3"),
    ("离岗满（ ）个月再回来，先学规程、考合格。", "三", ("一", "二", "三"), "配电安规 4.1.5"),
    ("规程考试每（ ）考一回。", "年", ("季度", "年", "两年"), "配电安规 4.1.5"),
    (
        "到现场干活，上身应穿（ ）。",
        "全棉长袖工作服",
        ("短袖衫", "化纤夹克", "全棉长袖工作服"),
        "配电安规 4.1.8",
    ),
)
_MULTIPLE = (
    ("进入作业现场，身上应有（ ）。", ("安全帽", "全棉长袖工作服", "绝缘鞋"), "凉鞋", "变电安规 4"),
    ("雷雨天巡视户外设备，人要离开（ ）。", ("避雷针", "避雷器"), "值班室", "变电安规 5.2"),
    ("外来施工人员上工以前要（ ）。", ("安规考试合格", "设备运维单位认可"), "交押金", "配电安规 4.1.4"),
    ("碰到直接危及人身的险情，可以（ ）。", ("停止作业", "应急处置后撤离"), "接着干完", "配电安规 4.4.3"),
)
_JUDGE = (
    ("有人违章指挥，作业人员可以不听。", "正确", "变电安规 4"),
    ("设备没带电时，一个人可以移开遮栏干活。", "错误", "变电安规 5.1"),
    ("新参加工作的人员可以独自去现场作业。", "错误", "变电安规 4"),
    ("常有人干活的场所宜备急救箱。", "正确", "配电安规 4.3.2"),
    ("用新设备以前，要先定出安全措施。", "正确", "配电安规 4.4.4"),
    ("线路巡视时可以跨过断落的导线去查看。", "错误", "配电安规 5.1"),
)


def study_bank() -> QuestionBank:
    """Return the questions as a bank."""
    single = [
        question(stem, right, options=options, clause=clause, profession=clause[:2])
        for stem, right, options, clause in _SINGLE
    ]
    multiple = [
        question(
            stem,
            *right,
            options=(*right, wrong),
            clause=clause,
            profession=clause[:2],
            question_type=QuestionType.MULTIPLE,
        )
        for stem, right, wrong, clause in _MULTIPLE
    ]
    judge = [
        question(stem, right, clause=clause, profession=clause[:2], question_type=QuestionType.JUDGE)
        for stem, right, clause in _JUDGE
    ]
    return QuestionBank([*single, *multiple, *judge])
