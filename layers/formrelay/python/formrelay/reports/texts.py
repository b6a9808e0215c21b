"""Every text of failure mails and of the page that switches them off, in the languages of the contract.

``{…}`` is filled in by :mod:`formrelay.reports.content` and by the page. A hook is called what owners know it as:
a REST Service.
"""

from __future__ import annotations

from typing import NamedTuple


class Texts(NamedTuple):
    """One language. ``direction`` is ``ltr`` or ``rtl``."""

    language: str
    direction: str
    subject: str
    greeting: str
    some_failed: str
    """Introduces a mail with failures."""
    hooks_changed: str
    """Introduces a mail that only tells what happened to hooks themselves."""
    preheader_failed: str
    preheader_changed: str
    hook: str
    submission: str
    submission_id: str
    status_code: str
    message: str
    date: str
    no_code: str
    """In the column of status codes, for no HTTP answer."""
    paused: str
    switched_off: str
    arrived: str
    """Heads what had failed and arrived after all."""
    more_arrived: str
    more_failed: str
    logs: str
    retry: str
    stop: str
    footer: str
    page_title: str
    page_question: str
    page_button: str
    page_done: str
    page_again: str
    page_invalid: str


_ENGLISH = Texts(
    language="en",
    direction="ltr",
    subject="REST Services Failure Report",
    greeting="Dear {name},",
    some_failed="Some submissions did not reach the endpoint of a REST Service, and no further attempt is made by "
    "itself. You can send them again.",
    hooks_changed="This happened to your REST Services:",
    preheader_failed="Not delivered: {count}. {projects}",
    preheader_changed="{projects}",
    hook="Hook",
    submission="Submission",
    submission_id="Submission ID",
    status_code="Status code",
    message="Message",
    date="Date",
    no_code="None",
    paused="{hook} is paused since {date}. Attempts that failed in a row: {failures}; the last one: {answer}. "
    "New submissions wait and are sent when it answers again; now and then one is sent to find out.",
    switched_off="{hook} was switched off on {date}: it has not answered for too long. Submissions that waited for it "
    "are kept, new ones are not sent to it. They are sent when it is switched on again and answers.",
    arrived="Had failed, arrived since",
    more_arrived="Further submissions that arrived since: {count}.",
    more_failed="There are more failures; they follow in the next report.",
    logs="Logs",
    retry="Send all that failed again",
    stop="No more mails about this hook",
    footer="Times are UTC. You get this mail because e-mail notification is on for these hooks.",
    page_title="Failure mails",
    page_question="Stop failure mails about:",
    page_button="Stop these mails",
    page_done="No more failure mails are sent about:",
    page_again="E-mail notification can be switched on again in the settings of the hook.",
    page_invalid="This link is not valid, or no longer. E-mail notification can be switched off in the settings of "
    "the hook.",
)

_FRENCH = Texts(
    language="fr",
    direction="ltr",
    subject="Rapport d’échec des services REST",
    greeting="Bonjour {name},",
    some_failed="Certaines soumissions ne sont pas parvenues à la destination d’un service REST, et plus aucun essai "
    "n’aura lieu automatiquement. Vous pouvez les renvoyer.",
    hooks_changed="Voici ce qui est arrivé à vos services REST :",
    preheader_failed="Non transmises : {count}. {projects}",
    preheader_changed="{projects}",
    hook="Service",
    submission="Soumission",
    submission_id="ID de soumission",
    status_code="Code d’état",
    message="Message",
    date="Date",
    no_code="Aucun",
    paused="{hook} est en pause depuis le {date}. Essais échoués à la suite : {failures} ; le dernier : {answer}"
    ". Les nouvelles soumissions attendent et seront envoyées dès que le service répondra ; de temps en "
    "temps, l’une d’elles est envoyée pour le vérifier.",
    switched_off="{hook} a été désactivé le {date} : il ne répond plus depuis trop longtemps. Les soumissions en "
    "attente sont conservées, les nouvelles ne lui sont pas envoyées. Elles seront envoyées lorsqu’il sera réactivé "
    "et répondra.",
    arrived="Avaient échoué, arrivées depuis",
    more_arrived="Autres soumissions arrivées depuis : {count}.",
    more_failed="Il y a d’autres échecs ; ils figureront dans le prochain rapport.",
    logs="Journaux",
    retry="Renvoyer tout ce qui a échoué",
    stop="Ne plus recevoir de courriels sur ce service",
    footer="Les heures sont en UTC. Vous recevez ce courriel parce que la notification par courriel est activée pour "
    "ces services.",
    page_title="Courriels d’échec",
    page_question="Ne plus recevoir de courriels d’échec sur :",
    page_button="Arrêter ces courriels",
    page_done="Plus aucun courriel d’échec ne sera envoyé sur :",
    page_again="La notification par courriel peut être réactivée dans les paramètres du service.",
    page_invalid="Ce lien n’est pas valide ou ne l’est plus. La notification par courriel peut être désactivée dans "
    "les paramètres du service.",
)

_SPANISH = Texts(
    language="es",
    direction="ltr",
    subject="Informe de fallos de los servicios REST",
    greeting="Hola, {name}:",
    some_failed="Algunos envíos no llegaron al destino de un servicio REST y ya no se harán más intentos automáticos. "
    "Puede enviarlos de nuevo.",
    hooks_changed="Esto ha ocurrido con sus servicios REST:",
    preheader_failed="No entregados: {count}. {projects}",
    preheader_changed="{projects}",
    hook="Servicio",
    submission="Envío",
    submission_id="ID del envío",
    status_code="Código de estado",
    message="Mensaje",
    date="Fecha",
    no_code="Ninguno",
    paused="{hook} está en pausa desde el {date}. Intentos fallidos seguidos: {failures}; el último: {answer}. "
    "Los nuevos envíos esperan y se entregarán cuando vuelva a responder; de vez en cuando se manda uno para "
    "comprobarlo.",
    switched_off="{hook} se desactivó el {date}: lleva demasiado tiempo sin responder. Los envíos en espera se "
    "conservan y los nuevos no se le mandan. Se entregarán cuando se active de nuevo y responda.",
    arrived="Habían fallado y ya han llegado",
    more_arrived="Otros envíos que ya han llegado: {count}.",
    more_failed="Hay más fallos; aparecerán en el próximo informe.",
    logs="Registros",
    retry="Enviar de nuevo todo lo que falló",
    stop="No recibir más correos sobre este servicio",
    footer="Las horas son UTC. Recibe este correo porque la notificación por correo está activada para estos "
    "servicios.",
    page_title="Correos de fallos",
    page_question="No recibir más correos de fallos sobre:",
    page_button="Detener estos correos",
    page_done="Ya no se enviarán correos de fallos sobre:",
    page_again="La notificación por correo puede activarse de nuevo en los ajustes del servicio.",
    page_invalid="Este enlace no es válido o ha caducado. La notificación por correo puede desactivarse en los ajustes "
    "del servicio.",
)

_ARABIC = Texts(
    language="ar",
    direction="rtl",
    subject="تقرير إخفاقات خدمات REST",
    greeting="مرحبًا {name}،",
    some_failed="لم تصل بعض الإرسالات إلى وجهة إحدى خدمات REST، ولن تُجرى محاولات أخرى تلقائيًا. يمكنك إعادة إرسالها.",
    hooks_changed="إليك ما حدث لخدمات REST الخاصة بك:",
    preheader_failed="لم تُسلَّم: {count}. {projects}",
    preheader_changed="{projects}",
    hook="الخدمة",
    submission="الإرسال",
    submission_id="معرّف الإرسال",
    status_code="رمز الحالة",
    message="الرسالة",
    date="التاريخ",
    no_code="لا يوجد",
    paused="{hook} متوقفة مؤقتًا منذ {date}. المحاولات الفاشلة المتتالية: {failures}؛ آخرها: {answer}. "
    "تنتظر الإرسالات الجديدة وتُرسل عندما تستجيب الخدمة من جديد، ويُرسل أحدها من حين إلى آخر للتحقق من ذلك.",
    switched_off="{hook} أُوقفت في {date}: لم تستجب منذ وقت طويل. تُحفظ الإرسالات التي كانت تنتظرها، ولا تُرسل إليها "
    "الإرسالات الجديدة. ستُرسل المحفوظة عند إعادة تشغيل الخدمة واستجابتها.",
    arrived="كانت قد أخفقت ثم وصلت",
    more_arrived="إرسالات أخرى وصلت منذ ذلك الحين: {count}.",
    more_failed="هناك إخفاقات أخرى سترد في التقرير القادم.",
    logs="السجلات",
    retry="إعادة إرسال كل ما أخفق",
    stop="إيقاف الرسائل عن هذه الخدمة",
    footer="الأوقات بالتوقيت العالمي المنسق (UTC). تصلك هذه الرسالة لأن الإشعار بالبريد الإلكتروني مفعّل لهذه الخدمات.",
    page_title="رسائل الإخفاقات",
    page_question="إيقاف رسائل الإخفاقات عن:",
    page_button="إيقاف هذه الرسائل",
    page_done="لن تُرسل رسائل إخفاقات بعد الآن عن:",
    page_again="يمكن تفعيل الإشعار بالبريد الإلكتروني من جديد في إعدادات الخدمة.",
    page_invalid="هذا الرابط غير صالح أو انتهت صلاحيته. يمكن إيقاف الإشعار بالبريد الإلكتروني في إعدادات الخدمة.",
)

CATALOGUE = {texts.language: texts for texts in (_ENGLISH, _FRENCH, _SPANISH, _ARABIC)}


def texts_for(language: object) -> Texts:
    """The texts of a language tag such as ``fr`` or ``ar-EG``; English for what is unknown."""
    tag = language if isinstance(language, str) else ""
    return CATALOGUE.get(tag.strip().lower().replace("_", "-").partition("-")[0], _ENGLISH)
