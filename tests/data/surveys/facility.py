"""A health facility assessment with every kind of question, names in several scripts and columns of a namespace."""

from __future__ import annotations

from typing import Final

from tests.data.surveys.rows import rows

_COLUMNS: Final = ("type", "name", "label")

SURVEY: Final = rows(
    """
    start | start
    end | end
    today | today
    deviceid | deviceid
    username | username
    phonenumber | phonenumber
    email | email
    background-audio | recording
    audit | audit | | parameters: track-changes=true
    text | nom_du_centre | Name of the centre <b>&amp;</b> its owner | bind::esri:fieldLength: 100 ;; required: yes
    text | état | State, named in Latin with an accent
    begin group | адрес | Address, named in Cyrillic
    text | улица | Street
    integer | 番地 | Number, named in Japanese
    begin repeat | زيارة | Visit, named in Arabic
    date | تاريخ | Date
    text | note | Note
    end repeat
    text | note | Note
    end group
    text | dotted.name-with_marks | A name with marks
    text | Case | Upper case
    text | case_ | Lower case
    integer | whole | Whole number | default: 7
    decimal | part | Part of a number
    range | level | Level | parameters: start=1 end=5 step=1
    date | day | Day
    date | month | Month | appearance: month-year
    time | hour | Hour
    dateTime | moment | Moment
    select_one yes_no | open | Open?
    select_one yes_no | open_now | Open now? | appearance: likert
    select_multiple service or_other | services | Services
    rank service | ranked | Services by need
    select_one service | first | First of those | choice_filter: selected(${services}, name)
    select_one_external city | city | City | choice_filter: state = ${état}
    select_one_from_file referral.csv | referral | Where to refer to
    csv-external | staff
    xml-external | drugs
    calculate | surgeons | | calculation: count(instance('staff')/root/item[role = 'surgeon'])
    calculate | stock | | calculation: instance('drugs')/root/item[name = 'oxytocin']/quantity
    geopoint | gate | Gate
    geotrace | fence | Fence
    geoshape | grounds | Grounds
    image | photo | Photo
    image | plan | Plan | appearance: annotate
    audio | sound | Sound
    video | tour | Tour
    file | licence | Licence
    barcode | code | Code
    acknowledge | agreed | Agreed
    note | remark | A remark that nobody answers
    hidden | secret
    text | guided | Guided | guidance_hint: For the enumerator ;; hint: Short ;; constraint: regex(., '[a-z]+')
    text | long_text | Long | appearance: multiline ;; read_only: no
    begin group | meta_like | Looks like meta
    text | instanceID | A question called like the instance's id
    text | uuid | Another one
    end group
    begin group | a | A
    begin group | a | A in A
    begin group | a | A in A in A
    text | a | A in A in A in A
    end group
    end group
    end group
    begin repeat | ward | Ward
    text | name | Name
    begin group | beds | Beds
    integer | total | Beds
    begin repeat | bed | Bed
    text | name | Name
    begin group | patient | Patient
    text | name | Name
    image | chart | Chart
    end group
    end repeat
    end group
    end repeat
    """,
    _COLUMNS,
)
CHOICES: Final = rows(
    """
    yes_no | yes | Yes
    yes_no | no | No
    service | maternity | Maternity
    service | surgery | Surgery
    service | laboratoire | Laboratoire
    service | 検査 | Testing
    """,
    ("list_name", "name", "label"),
)
EXTERNAL: Final = rows(
    """
    city | brooklyn | Brooklyn | state: NY
    city | harlem | Harlem | state: NY
    """,
    ("list_name", "name", "label"),
)
SETTINGS: Final = {
    "form_title": "Facility <assessment> & audit",
    "form_id": "facility",
    "namespaces": 'esri="https://esri.com/xforms"',
    "instance_name": "${nom_du_centre}",
}
