"""A food security survey after a shock: places from files, scores that are calculated, coping, ranks and ranges."""

from __future__ import annotations

from typing import Final

from tests.data.surveys.rows import Row, rows

_COLUMNS: Final = ("type", "name", "label::English (en)", "label::Português (pt)")
_LISTED: Final = ("list_name", "name", "label::English (en)", "label::Português (pt)")

_HEAD: Final = """
start | start
end | end
today | today
deviceid | deviceid
start-geopoint | arrival
begin_group | place | Place | Lugar
select_one adm1 | adm1 | Province | Província | required: yes
select_one adm2 | adm2 | District | Distrito | choice_filter: adm1 = ${adm1}
select_one adm3 | adm3 | Village | Aldeia | choice_filter: adm2 = ${adm2} and adm1 = ${adm1} ;; parameters: randomize=true
select_one_from_file markets.csv | market | Nearest market | Mercado mais próximo | choice_filter: province = ${adm1}
select_multiple_from_file partners.xml | partners | Who has helped? | Quem ajudou? | parameters: value=code label=title
select_one_from_file plots.geojson | plot | Which plot? | Que parcela? | appearance: map
geotrace | way | Way to the market | Caminho para o mercado
geopoint | home | The dwelling | A habitação
end_group
"""  # noqa: E501

_FOODS: Final = """
staples | Cereals and tubers | Cereais e tubérculos
pulses | Pulses and nuts | Leguminosas e nozes
dairy | Milk and dairy | Leite e derivados
meat | Meat, fish and eggs | Carne, peixe e ovos
vegetables | Vegetables | Verduras
fruit | Fruit | Fruta
oil | Oil and fat | Óleo e gordura
sugar | Sugar | Açúcar
condiments | Condiments | Condimentos
"""

_COPING: Final = """
cheaper | Relied on cheaper food? | Comeu alimentos mais baratos?
borrowed | Borrowed food? | Pediu comida emprestada?
portions | Smaller portions? | Reduziu as porções?
adults | Adults ate less? | Os adultos comeram menos?
meals | Fewer meals? | Menos refeições?
"""

_TAIL: Final = """
rank shock | shocks | Order the shocks by weight | Ordene os choques por gravidade
range | hope | How sure are you of the next harvest? | Que certeza tem da próxima colheita? | parameters: start=0 end=10 step=1
range | share | Share of income spent on food | Parte do rendimento gasta em comida | parameters: start=0 end=1 step=0.05
begin_repeat | income | Source of income | Fonte de rendimento
select_one source or_other | source | Source | Fonte
begin_group | amount | Amount | Valor
integer | before | Before the shock | Antes do choque
integer | now | Now | Agora
end_group
begin_repeat | month | Month | Mês
select_one month | name | Month | Mês
integer | days | Days worked | Dias de trabalho
file | contract | Contract | Contrato
end_repeat
end_repeat
barcode | card | Ration card | Cartão de racionamento
acknowledge | done | I have read this to the person | Li isto à pessoa
text | note | Note | Nota
"""  # noqa: E501


def _diet() -> list[Row]:
    found = rows("begin_group | fcs | Diet of the past seven days | Dieta dos últimos sete dias", _COLUMNS)
    weights = dict(zip(("staples", "pulses", "dairy", "meat"), (2, 3, 4, 4), strict=True))
    for row in rows(_FOODS, _COLUMNS[1:]):
        found.append({"type": "integer", **row, "constraint": ". >= 0 and . <= 7", "required": "yes"})
    terms = " + ".join(f"{weights.get(row['name'], 1)} * ${{{row['name']}}}" for row in found[1:])
    found.append({"type": "calculate", "name": "score", "calculation": terms})
    return [*found, {"type": "end_group"}]


def _coping() -> list[Row]:
    found = rows("begin_group | rcsi | Coping | Estratégias", _COLUMNS)
    for row in rows(_COPING, _COLUMNS[1:]):
        labels = {column: text for column, text in row.items() if column != "name"}
        found += [
            {"type": "begin_group", **row},
            {"type": "integer", "name": "days", **labels, "relevant": "${staples} < 7"},
            {"type": "select_one yes_no", "name": "always", **labels},
            {"type": "end_group"},
        ]
    return [*found, {"type": "end_group"}]


SURVEY: Final = [*rows(_HEAD, _COLUMNS), *_diet(), *_coping(), *rows(_TAIL, _COLUMNS)]

_OPTIONS: Final = """
yes_no | yes | Yes | Sim
yes_no | no | No | Não
adm1 | sofala | Sofala | Sofala
adm1 | tete | Tete | Tete
adm2 | buzi | Búzi | Búzi | adm1: sofala
adm2 | nhamatanda | Nhamatanda | Nhamatanda | adm1: sofala
adm2 | moatize | Moatize | Moatize | adm1: tete
adm3 | v1 | Estaquinha | Estaquinha | adm1: sofala ;; adm2: buzi
adm3 | v2 | Lamego | Lamego | adm1: sofala ;; adm2: nhamatanda
adm3 | v3 | Kambulatsitsi | Kambulatsitsi | adm1: tete ;; adm2: moatize
shock | flood | Flood | Cheia
shock | drought | Drought | Seca
shock | prices | Prices | Preços
shock | illness | Illness | Doença
source | farm | Own farm | Machamba própria
source | wages | Wages | Salário
source | trade | Trade | Comércio
month | jan | January | Janeiro
month | feb | February | Fevereiro
"""
CHOICES: Final = rows(_OPTIONS, _LISTED)
SETTINGS: Final = {
    "form_title": "Food security after the flood",
    "form_id": "emergency_food",
    "default_language": "English (en)",
}
MEDIA: Final = {
    "markets.csv": b"name,label,province\nm1,Mercado Central,sofala\nm2,Feira,tete\n",
    "partners.xml": b"<root><item><code>p1</code><title>Cruz Vermelha</title></item></root>",
    "plots.geojson": b'{"type":"FeatureCollection","features":[{"type":"Feature","geometry":{"type":"Point",'
    b'"coordinates":[34.8,-19.8]},"properties":{"id":"plot-1","title":"Upper field"}}]}',
}
"""Files that the form names, as its owner would upload them."""
