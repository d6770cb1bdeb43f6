//! The page's texts.

/// A language that the page is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// Russian.
    Russian,
    /// English, where nothing else is asked for.
    English,
}

/// What the page says.
#[derive(Debug)]
pub struct Texts {
    /// The language's tag.
    pub tag: &'static str,
    /// The page's title.
    pub title: &'static str,
    /// What it is for.
    pub explanation: &'static str,
    /// A button: the money comes.
    pub pay: &'static str,
    /// A button: it does not.
    pub decline: &'static str,
    /// A tick: the callback is lost.
    pub lose: &'static str,
    /// A button: sends the callback once more.
    pub again: &'static str,
    /// A link: back to the shop.
    pub back: &'static str,
    /// Somebody paid.
    pub succeeded: &'static str,
    /// Somebody declined.
    pub failed: &'static str,
    /// Nobody decided in time.
    pub expired: &'static str,
    /// The callback is on its way.
    pub sending: &'static str,
    /// It was taken.
    pub sent: &'static str,
    /// It was not.
    pub not_sent: &'static str,
    /// It was not sent at all.
    pub lost: &'static str,
}

static RUSSIAN: Texts = Texts {
    tag: "ru",
    title: "Тестовый платёж",
    explanation: "Это песочница: денег она не берёт. Решите, что станет с платежом, и магазин узнает об этом так же, как от настоящего провайдера.",
    pay: "Оплатить",
    decline: "Отклонить",
    lose: "Потерять уведомление: платформа сама спросит о платеже через несколько минут",
    again: "Послать уведомление ещё раз",
    back: "Вернуться в магазин",
    succeeded: "Оплачено.",
    failed: "Отклонено.",
    expired: "Время вышло: платёж уже не провести.",
    sending: "Уведомление отправляется…",
    sent: "Уведомление принято.",
    not_sent: "Уведомление не принято, платформа спросит о платеже сама. Ответ:",
    lost: "Уведомление потеряно: платформа спросит о платеже сама.",
};

static ENGLISH: Texts = Texts {
    tag: "en",
    title: "A test payment",
    explanation: "This is a sandbox: it takes no money. Decide what becomes of the payment, and the shop learns of it as it would from a real provider.",
    pay: "Pay",
    decline: "Decline",
    lose: "Lose the callback: the platform asks about the payment by itself in some minutes",
    again: "Send the callback again",
    back: "Back to the shop",
    succeeded: "Paid.",
    failed: "Declined.",
    expired: "Its time is over: it can't be paid any more.",
    sending: "The callback is being sent…",
    sent: "The callback was taken.",
    not_sent: "The callback was not taken; the platform will ask about the payment by itself. The answer:",
    lost: "The callback is lost: the platform will ask about the payment by itself.",
};

impl Language {
    /// The texts.
    pub fn texts(self) -> &'static Texts {
        match self {
            Self::Russian => &RUSSIAN,
            Self::English => &ENGLISH,
        }
    }

    /// The first language of `Accept-Language` that there is; browsers put the one that is wanted most first.
    pub fn accepted(header: Option<&str>) -> Self {
        let primary = |range: &str| range.trim().get(..2).map(str::to_ascii_lowercase);
        let known = |tag: String| match tag.as_str() {
            "ru" => Some(Self::Russian),
            "en" => Some(Self::English),
            _ => None,
        };
        header.unwrap_or_default().split(',').take(32).filter_map(primary).find_map(known).unwrap_or(Self::English)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_browser_decides() {
        for (header, language) in [
            (None, Language::English),
            (Some("ru-RU,ru;q=0.9,en;q=0.8"), Language::Russian),
            (Some("de, en;q=0.5, ru;q=0.1"), Language::English),
            (Some("я"), Language::English),
            (Some(""), Language::English),
        ] {
            assert_eq!(Language::accepted(header), language, "{header:?}");
        }
    }
}
