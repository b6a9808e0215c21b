"""A household survey of living standards: roster, education, births and vaccinations, housing, spending.

Long, in three languages, with repeats three deep and the same names in several groups.
"""

from __future__ import annotations

from typing import Final

from tests.data.surveys.rows import Row, rows

_LANGUAGES: Final = ("English (en)", "French (fr)", "Arabic (ar)")
_COLUMNS: Final = ("type", "name", *(f"label::{language}" for language in _LANGUAGES))
_LISTED: Final = ("list_name", "name", *(f"label::{language}" for language in _LANGUAGES))

_COVER: Final = """
start | start
end | end
today | today
deviceid | deviceid
username | enumerator
audit | audit | | | | parameters: location-priority=balanced location-min-interval=60 location-max-age=120
begin group | cover | Cover page | Page de garde | صفحة الغلاف | appearance: field-list
select_one region | region | Region | Région | المنطقة | required: yes
select_one district | district | District | District | المقاطعة | choice_filter: region = ${region} ;; required: yes
integer | cluster | Cluster number | Numéro de grappe | رقم العنقود | constraint: . > 0 and . < 1000
geopoint | dwelling | Position of the dwelling | Position du logement | موقع المسكن | hint::English (en): Outside, 5 m or better
image | front | Photo of the front | Photo de la façade | صورة الواجهة | parameters: max-pixels=1024
text | note | Note on the dwelling | Remarque | ملاحظة | appearance: multiline
end group
select_one yes_no | consent | May we begin? | Pouvons-nous commencer ? | هل يمكننا البدء؟ | required: yes
note | thanks | Thank the person and leave. | Remerciez et partez. | اشكر الشخص وغادر | relevant: ${consent} = 'no'
"""  # noqa: E501

_ROSTER: Final = """
begin group | hh | Household | Ménage | الأسرة | relevant: ${consent} = 'yes'
integer | size | People who live here | Personnes vivant ici | عدد السكان | constraint: . >= 1 and . <= 40 ;; constraint_message::English (en): 1 to 40 ;; constraint_message::French (fr): De 1 à 40
begin repeat | member | Member | Membre | فرد | repeat_count: ${size} + 0
text | first_name | Name | Nom | الاسم
select_one sex | sex | Sex | Sexe | الجنس
integer | age | Age in completed years | Âge révolu | العمر
select_one relation | relation | Relation to the head of ${first_name} | Lien de ${first_name} avec le chef | صلة القرابة
begin group | education | Education | Éducation | التعليم | relevant: ${age} >= 3
select_one yes_no | ever | Ever attended school? | A déjà fréquenté l’école ? | هل التحق بالمدرسة؟
select_one level | level | Highest level | Niveau le plus élevé | أعلى مستوى | relevant: ${ever} = 'yes'
integer | grade | Grade at that level | Classe | الصف | relevant: ${ever} = 'yes'
text | note | Note on schooling | Remarque | ملاحظة
end group
begin group | health | Health | Santé | الصحة
select_one yes_no | ill | Ill in the past two weeks? | Malade ces deux semaines ? | هل مرض مؤخرا؟
select_multiple symptom | symptoms | Symptoms | Symptômes | الأعراض | relevant: ${ill} = 'yes'
select_one care | level | Where was care sought? | Où s’est-il fait soigner ? | أين تلقى الرعاية؟ | relevant: ${ill} = 'yes'
decimal | cost | Cost of care | Coût des soins | تكلفة الرعاية
text | note | Note on health | Remarque | ملاحظة
end group
calculate | is_adult | | | | calculation: if(${age} >= 18, 1, 0)
end repeat
calculate | adults | | | | calculation: sum(${is_adult})
end group
"""  # noqa: E501

_BIRTHS: Final = """
begin repeat | woman | Woman of 15 to 49 | Femme de 15 à 49 ans | امرأة
text | name | Name | Nom | الاسم
select_one yes_no | ever_gave_birth | Ever gave birth? | A déjà accouché ? | هل أنجبت؟
begin repeat | birth | Birth | Naissance | ولادة | relevant: ${ever_gave_birth} = 'yes'
text | name | Name of the child | Nom de l’enfant | اسم الطفل
select_one sex | sex | Sex | Sexe | الجنس
date | born | Date of birth | Date de naissance | تاريخ الميلاد | constraint: . <= today()
time | born_at | Hour of birth | Heure de naissance | ساعة الولادة
select_one yes_no | alive | Still alive? | Encore en vie ? | على قيد الحياة؟
begin group | child | The child | L’enfant | الطفل | relevant: ${alive} = 'yes'
decimal | weight | Weight in kg | Poids en kg | الوزن
decimal | height | Height in cm | Taille en cm | الطول
image | card | Photo of the vaccination card | Photo du carnet | صورة البطاقة
begin repeat | dose | Dose | Dose | جرعة
select_one vaccine | vaccine | Vaccine | Vaccin | اللقاح
date | given | Given on | Donné le | التاريخ
begin group | source | Source | Source | المصدر
select_one source | kind | Card or memory? | Carnet ou mémoire ? | بطاقة أم ذاكرة؟
text | note | Note on the dose | Remarque | ملاحظة
end group
end repeat
audio | voice | What the mother says | Ce que dit la mère | ما تقوله الأم
end group
end repeat
calculate | births | | | | calculation: count(${birth})
end repeat
"""

_END: Final = """
begin group | closing | Closing | Fin | الختام
dateTime | next_visit | Next visit | Prochaine visite | الزيارة القادمة
image | signature | Signature | Signature | التوقيع | appearance: signature
text | note | Anything to add? | Autre chose ? | هل من إضافة؟ | appearance: multiline
end group
"""

_ASSETS: Final = """
radio | Radio | Radio | راديو
television | Television | Télévision | تلفاز
phone | Mobile phone | Téléphone portable | هاتف محمول
computer | Computer | Ordinateur | حاسوب
fridge | Refrigerator | Réfrigérateur | ثلاجة
stove | Improved stove | Foyer amélioré | موقد محسن
bicycle | Bicycle | Bicyclette | دراجة
motorcycle | Motorcycle | Motocyclette | دراجة نارية
car | Car or truck | Voiture ou camion | سيارة
boat | Boat with a motor | Bateau à moteur | قارب
cart | Animal-drawn cart | Charrette | عربة
plough | Plough | Charrue | محراث
pump | Water pump | Motopompe | مضخة
solar | Solar panel | Panneau solaire | لوح شمسي
bed | Bed | Lit | سرير
net | Mosquito net | Moustiquaire | ناموسية
table | Table | Table | طاولة
watch | Watch | Montre | ساعة
bank | Bank account | Compte bancaire | حساب مصرفي
land | Farm land | Terre agricole | أرض زراعية
"""

_SPENDING: Final = """
cereals | Cereals | Céréales | الحبوب
roots | Roots and tubers | Racines et tubercules | الجذور
pulses | Pulses | Légumineuses | البقوليات
meat | Meat and fish | Viande et poisson | اللحوم
oil | Oil | Huile | الزيت
water | Water | Eau | الماء
fuel | Fuel | Combustible | الوقود
rent | Rent | Loyer | الإيجار
school | School fees | Frais de scolarité | الرسوم المدرسية
medicine | Medicine | Médicaments | الأدوية
transport | Transport | Transport | النقل
ceremony | Ceremonies | Cérémonies | المناسبات
"""
_AMOUNT: Final = """
integer | amount | Amount | Montant | المبلغ | constraint: . >= 0 ;; default: 0
select_one period | period | Over | Sur | خلال | relevant: ${consent} = 'yes'
select_one yes_no | own | Own production, too? | Autoproduction aussi ? | إنتاج ذاتي؟
"""


def _assets() -> list[Row]:
    head = rows(
        "begin group | assets | Does the household own …? | Possède-t-il … ? | هل تملك الأسرة", _COLUMNS
    )
    items = [
        {"type": "select_one yes_no", **row, "appearance": "list-nolabel"}
        for row in rows(_ASSETS, _COLUMNS[1:])
    ]
    return [*head, *items, {"type": "end group"}]


def _spending() -> list[Row]:
    found = rows("begin group | spending | Spending | Dépenses | الإنفاق", _COLUMNS)
    for item in rows(_SPENDING, _COLUMNS[1:]):
        found += [{"type": "begin group", **item}, *rows(_AMOUNT, _COLUMNS), {"type": "end group"}]
    return [*found, {"type": "end group"}]


_HOUSING: Final = """
begin group | housing | Housing | Logement | السكن
select_one floor or_other | floor | Floor | Sol | الأرضية
select_one roof | roof | Roof | Toit | السقف
select_multiple water or_other | water | Sources of water | Sources d’eau | مصادر المياه
integer | rooms | Rooms to sleep in | Pièces pour dormir | غرف النوم
geoshape | plot | Around the plot | Autour de la parcelle | حدود القطعة
end group
"""

SURVEY: Final = [
    *rows(_COVER, _COLUMNS),
    *rows(_ROSTER, _COLUMNS),
    *rows(_BIRTHS, _COLUMNS),
    *rows(_HOUSING, _COLUMNS),
    *_assets(),
    *_spending(),
    *rows(_END, _COLUMNS),
]

_OPTIONS: Final = """
yes_no | yes | Yes | Oui | نعم
yes_no | no | No | Non | لا
sex | f | Female | Féminin | أنثى
sex | m | Male | Masculin | ذكر
region | north | North | Nord | الشمال
region | south | South | Sud | الجنوب
district | n1 | Upper north | Haut-Nord | الشمال الأعلى | region: north
district | n2 | Lower north | Bas-Nord | الشمال الأدنى | region: north
district | s1 | Coast | Côte | الساحل | region: south
relation | head | Head | Chef | رب الأسرة
relation | spouse | Spouse | Conjoint | الزوج
relation | child | Child | Enfant | طفل
relation | other | Other | Autre | آخر
level | primary | Primary | Primaire | ابتدائي
level | secondary | Secondary | Secondaire | ثانوي
level | higher | Higher | Supérieur | عال
symptom | fever | Fever | Fièvre | حمى
symptom | cough | Cough | Toux | سعال
symptom | diarrhoea | Diarrhoea | Diarrhée | إسهال
care | public | Public facility | Public | عام
care | private | Private facility | Privé | خاص
care | none | Nowhere | Nulle part | لا مكان
vaccine | bcg | BCG | BCG | بي سي جي
vaccine | polio | Polio | Polio | شلل الأطفال
vaccine | measles | Measles | Rougeole | الحصبة
source | card | Card | Carnet | بطاقة
source | memory | Memory | Mémoire | ذاكرة
floor | earth | Earth | Terre | تراب
floor | cement | Cement | Ciment | إسمنت
roof | thatch | Thatch | Chaume | قش
roof | metal | Metal | Tôle | معدن
water | piped | Piped | Réseau | شبكة
water | well | Well | Puits | بئر
water | surface | Surface | Surface | سطحية
period | week | Week | Semaine | أسبوع
period | month | Month | Mois | شهر
period | year | Year | Année | سنة
"""
CHOICES: Final = rows(_OPTIONS, _LISTED)
SETTINGS: Final = {
    "form_title": "Living standards",
    "form_id": "living_standards",
    "default_language": "French (fr)",
    "style": "pages",
    "instance_name": "concat(${cluster}, '-', ${region})",
}
