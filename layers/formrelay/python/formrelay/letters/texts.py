"""What letters say, by kind and language; ``{…}`` is filled in from the letter's facts."""

from __future__ import annotations

from typing import NamedTuple

HISTORY_EXPORT, ACCESS_EXPORT, SIGNUP, SIGNUP_TAKEN, OWNERSHIP_INVITE = (
    "history-export",
    "access-export",
    "signup",
    "signup-taken",
    "ownership-invite",
)


class Letter(NamedTuple):
    """``body`` are paragraphs; ``link`` names where the letter's link leads."""

    subject: str
    body: tuple[str, ...]
    link: str = ""


class Page(NamedTuple):
    """The page behind the link of a sign-up."""

    title: str
    question: str
    button: str
    done: str
    taken: str
    invalid: str


_ENGLISH = {
    HISTORY_EXPORT: Letter(
        "Project activity log export complete",
        ("The activity log of {project} that you asked for is ready. It is kept for {days} days.",),
        "Download (CSV)",
    ),
    ACCESS_EXPORT: Letter(
        "Access log export complete",
        ("The access log of your account that you asked for is ready. It is kept for {days} days.",),
        "Download (CSV)",
    ),
    SIGNUP: Letter(
        "Confirm your account",
        (
            "Somebody, presumably you, asked for the account {username} with this address.",
            "Confirm it within {hours} hours. If it was not you, do nothing: no account is made.",
        ),
        "Confirm the account",
    ),
    SIGNUP_TAKEN: Letter(
        "Your account was not made",
        ("You asked for the account {username}, but that name is taken. Sign up again with another one.",),
    ),
    OWNERSHIP_INVITE: Letter(
        "Projects are offered to you",
        (
            "{sender} wants to give you, with all their data: {projects}.",
            "You can accept or decline within {days} days. Until you accept, nothing changes.",
        ),
        "The offer",
    ),
}
_FRENCH = {
    HISTORY_EXPORT: Letter(
        "Export du journal d’activité du projet terminé",
        ("Le journal d’activité de {project} que vous avez demandé est prêt. Il est conservé {days} jours.",),
        "Télécharger (CSV)",
    ),
    ACCESS_EXPORT: Letter(
        "Export du journal d’accès terminé",
        ("Le journal d’accès de votre compte que vous avez demandé est prêt. Il est conservé {days} jours.",),
        "Télécharger (CSV)",
    ),
    SIGNUP: Letter(
        "Confirmez votre compte",
        (
            "Quelqu’un, sans doute vous, a demandé le compte {username} avec cette adresse.",
            "Confirmez-le dans les {hours} heures. Si ce n’était pas vous, ne faites rien : aucun compte ne sera créé.",
        ),
        "Confirmer le compte",
    ),
    SIGNUP_TAKEN: Letter(
        "Votre compte n’a pas été créé",
        ("Vous avez demandé le compte {username}, mais ce nom est pris. Inscrivez-vous sous un autre nom.",),
    ),
    OWNERSHIP_INVITE: Letter(
        "On vous propose des projets",
        (
            "{sender} veut vous céder, avec toutes leurs données : {projects}.",
            "Vous pouvez accepter ou refuser dans les {days} jours. Tant que vous n’acceptez pas, rien ne change.",
        ),
        "La proposition",
    ),
}
_SPANISH = {
    HISTORY_EXPORT: Letter(
        "Exportación del registro de actividad del proyecto terminada",
        ("El registro de actividad de {project} que pidió está listo. Se conserva {days} días.",),
        "Descargar (CSV)",
    ),
    ACCESS_EXPORT: Letter(
        "Exportación del registro de accesos terminada",
        ("El registro de accesos de su cuenta que pidió está listo. Se conserva {days} días.",),
        "Descargar (CSV)",
    ),
    SIGNUP: Letter(
        "Confirme su cuenta",
        (
            "Alguien, seguramente usted, pidió la cuenta {username} con esta dirección.",
            "Confírmela en un plazo de {hours} horas. Si no fue usted, no haga nada: no se creará ninguna cuenta.",
        ),
        "Confirmar la cuenta",
    ),
    SIGNUP_TAKEN: Letter(
        "Su cuenta no se creó",
        ("Pidió la cuenta {username}, pero ese nombre ya está en uso. Regístrese con otro.",),
    ),
    OWNERSHIP_INVITE: Letter(
        "Le ofrecen proyectos",
        (
            "{sender} quiere cederle, con todos sus datos: {projects}.",
            "Puede aceptar o rechazar en un plazo de {days} días. Mientras no acepte, nada cambia.",
        ),
        "La oferta",
    ),
}
_ARABIC = {
    HISTORY_EXPORT: Letter(
        "اكتمل تصدير سجل نشاط المشروع",
        ("سجل نشاط {project} الذي طلبته جاهز، ويُحفظ لمدة {days} أيام.",),
        "تنزيل (CSV)",
    ),
    ACCESS_EXPORT: Letter(
        "اكتمل تصدير سجل الدخول",
        ("سجل الدخول إلى حسابك الذي طلبته جاهز، ويُحفظ لمدة {days} أيام.",),
        "تنزيل (CSV)",
    ),
    SIGNUP: Letter(
        "أكّد حسابك",
        (
            "طلب أحدهم، وربما أنت، الحساب {username} بهذا العنوان.",
            "أكّده خلال {hours} ساعة. إن لم تكن أنت فلا تفعل شيئًا: لن يُنشأ أي حساب.",
        ),
        "تأكيد الحساب",
    ),
    SIGNUP_TAKEN: Letter(
        "لم يُنشأ حسابك",
        ("طلبت الحساب {username}، لكن هذا الاسم مستخدم. سجّل باسم آخر.",),
    ),
    OWNERSHIP_INVITE: Letter(
        "مشاريع معروضة عليك",
        (
            "يريد {sender} أن ينقل إليك المشاريع التالية مع جميع بياناتها: {projects}.",
            "يمكنك القبول أو الرفض خلال {days} يومًا. لن يتغير شيء قبل قبولك.",
        ),
        "العرض",
    ),
}
LETTERS = {"en": _ENGLISH, "fr": _FRENCH, "es": _SPANISH, "ar": _ARABIC}

PAGES = {
    "en": Page(
        title="New account",
        question="Make the account {username}?",
        button="Confirm the account",
        done="The account {username} is made. You can sign in.",
        taken="The name {username} was taken meanwhile. Sign up again with another one.",
        invalid="This link is not valid, or no longer. Sign up again.",
    ),
    "fr": Page(
        title="Nouveau compte",
        question="Créer le compte {username} ?",
        button="Confirmer le compte",
        done="Le compte {username} est créé. Vous pouvez vous connecter.",
        taken="Le nom {username} a été pris entre-temps. Inscrivez-vous sous un autre nom.",
        invalid="Ce lien n’est pas valide ou ne l’est plus. Inscrivez-vous de nouveau.",
    ),
    "es": Page(
        title="Cuenta nueva",
        question="¿Crear la cuenta {username}?",
        button="Confirmar la cuenta",
        done="La cuenta {username} está creada. Ya puede iniciar sesión.",
        taken="Entretanto el nombre {username} ha sido ocupado. Regístrese con otro.",
        invalid="Este enlace no es válido o ha caducado. Regístrese de nuevo.",
    ),
    "ar": Page(
        title="حساب جديد",
        question="هل تريد إنشاء الحساب {username}؟",
        button="تأكيد الحساب",
        done="أُنشئ الحساب {username}. يمكنك تسجيل الدخول.",
        taken="أُخذ الاسم {username} في هذه الأثناء. سجّل باسم آخر.",
        invalid="هذا الرابط غير صالح أو انتهت صلاحيته. سجّل من جديد.",
    ),
}
