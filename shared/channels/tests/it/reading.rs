//! What mails mean, and that no bytes are lost or harmful.

mod bounds;
mod folder;
mod hostile;

use std::path::Path;

use channels::email::{Automatic, Mail, ReturnPath, attachment, read};

/// A mail of `tests/fixtures/email`.
fn fixture(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/email");
    std::fs::read(folder.join(name).with_extension("eml")).unwrap()
}

/// Every mail of `tests/fixtures/email`, by name.
fn fixtures() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/email");
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "eml"))
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    names.sort();
    names.into_iter().map(|name| (name.clone(), fixture(&name))).collect()
}

/// What a person says of a mail who looks at it.
struct Meaning {
    /// `Name <address>`, or the address alone.
    from: &'static str,
    subject: &'static str,
    text: &'static str,
    /// How the history begins that is folded away; empty where there is none.
    quoted: &'static str,
    signature: &'static str,
    /// Names and sizes.
    files: &'static [(&'static str, usize)],
    automatic: Option<Automatic>,
}

/// A letter that Ivan wrote, without anything special.
const LETTER: Meaning = Meaning {
    from: "Иван Петров <ivan@shop.example>",
    subject: "",
    text: "",
    quoted: "",
    signature: "",
    files: &[],
    automatic: None,
};

const MEANINGS: &[(&str, Meaning)] = &[
    (
        "gmail_reply",
        Meaning {
            subject: "Re: [#42] Не могу войти",
            text: "Спасибо, теперь работает!",
            quoted: "пн, 5 мая 2025 г. в 09:12, Поддержка <support@desk.example>:\n",
            ..LETTER
        },
    ),
    (
        "gmail_html_only",
        Meaning {
            subject: "Re: [#42] Не могу войти",
            text: "Спасибо, теперь работает!",
            quoted: "> пн, 5 мая 2025 г. в 09:12, Поддержка <support@desk.example>:\n",
            ..LETTER
        },
    ),
    (
        "outlook_desktop_reply",
        Meaning {
            subject: "RE: Не могу войти",
            text: "Добрый день!\n\nОшибка на снимке ниже.\n\n[cid:image001.png@01DBBD]",
            quoted: "From: Поддержка",
            signature: "С уважением,\nИван Петров",
            files: &[("image001.png", 68)],
            ..LETTER
        },
    ),
    (
        "outlook_web_reply",
        Meaning {
            subject: "Отв: Возврат",
            text: "Деньги пришли, спасибо.",
            quoted: "От: Поддержка",
            ..LETTER
        },
    ),
    (
        "apple_interleaved",
        Meaning {
            subject: "Re: Заказ",
            text: "> On 5 May 2025, at 09:12, Support <support@desk.example> wrote:\n>\n\
                > What is the number of the order?\n\n1055-A\n\n> When did you pay?\n\nYesterday.",
            ..LETTER
        },
    ),
    (
        "mailru_reply",
        Meaning {
            subject: "Re: Заказ",
            text: "Номер заказа 1055.",
            quoted: "Понедельник, 5 мая 2025, 9:12 +03:00 от Поддержка",
            signature: "--\nОтправлено из мобильной Почты Mail.ru",
            ..LETTER
        },
    ),
    (
        "yandex_reply",
        Meaning {
            subject: "Re: Адрес",
            text: "Да, всё верно.",
            quoted: "05.05.2025, 09:12, \"Поддержка\"",
            signature: "--\nИван",
            ..LETTER
        },
    ),
    (
        "thunderbird_flowed",
        Meaning {
            subject: "Re: Ошибка",
            text: "Здравствуйте! Проверил ещё раз, и теперь ошибка появляется только в одном браузере, \
                в остальных всё хорошо.",
            quoted: "05.05.2025 9:12, Поддержка пишет:\n> Проверьте, пожалуйста, в другом браузере, и пришлите \
                нам ответ, какая именно ошибка появляется.",
            signature: "-- \nИван Петров\nмагазин «Шоп»",
            ..LETTER
        },
    ),
    (
        "iphone_photo",
        Meaning {
            subject: "Разбитый экран",
            text: "Вот фото:\n\nЧто делать?",
            signature: "Отправлено с iPhone",
            files: &[("экран.jpeg", 104)],
            ..LETTER
        },
    ),
    (
        "gmail_forward",
        Meaning {
            subject: "Fwd: Не работает",
            text: "Переслал мне клиент, посмотрите.\n\n---------- Forwarded message ---------\n\
                От: Пётр <petr@client.example>\nDate: пн, 5 мая 2025 г. в 08:00\nSubject: Не работает\n\
                To: Иван Петров <ivan@shop.example>\n\n\nУ меня ничего не работает.",
            ..LETTER
        },
    ),
    (
        "html_forward",
        Meaning {
            subject: "Пересылаю",
            text: "Переслал мне клиент, посмотрите.\n\n---------- Forwarded message ---------\n\
                От: Пётр <petr@client.example>\nDate: пн, 5 мая 2025 г. в 08:00\nSubject: Не работает\n\
                To: Иван Петров <ivan@shop.example>\n\nУ меня ничего не работает.",
            ..LETTER
        },
    ),
    (
        "forward_attached",
        Meaning {
            subject: "Посмотрите",
            text: "Письмо во вложении.",
            files: &[("Не работает.eml", 237)],
            ..LETTER
        },
    ),
    (
        "raw_cyrillic_header",
        Meaning {
            from: "Иван <ivan@shop.example>",
            subject: "Заявка с сайта № 7",
            text: "Перезвоните мне.",
            ..LETTER
        },
    ),
    (
        "wrong_charset",
        Meaning {
            from: "Ivan <ivan@shop.example>", subject: "test", text: "Перезвоните мне.", ..LETTER
        },
    ),
    ("split_words", Meaning { from: "ivan@shop.example", subject: "Заявка с сайта", ..LETTER }),
    (
        "placeholder",
        Meaning {
            subject: "Счёт",
            text: "Прошу выставить счёт на заказ 7 (https://shop.example/order/7).\n\n- две чашки\n- ложка",
            ..LETTER
        },
    ),
    (
        "charset_koi8_u",
        Meaning {
            from: "Ivan <ivan@shop.example>",
            subject: "Проблема з входом, допоможіть",
            text: "Проблема з входом, допоможіть",
            ..LETTER
        },
    ),
    (
        "charset_ibm866",
        Meaning {
            from: "Ivan <ivan@shop.example>",
            subject: "Не могу войти",
            text: "Не могу войти",
            ..LETTER
        },
    ),
    (
        "charset_iso_8859_5",
        Meaning {
            from: "Ivan <ivan@shop.example>",
            subject: "Не могу войти",
            text: "Не могу войти",
            ..LETTER
        },
    ),
    (
        "charset_utf_7",
        Meaning {
            from: "Ivan <ivan@shop.example>",
            subject: "Не могу войти",
            text: "Не могу войти",
            ..LETTER
        },
    ),
    (
        "charset_iso_2022_jp",
        Meaning {
            from: "Ivan <ivan@shop.example>",
            subject: "ログインできません",
            text: "ログインできません",
            ..LETTER
        },
    ),
    (
        "charset_gb18030",
        Meaning {
            from: "Ivan <ivan@shop.example>", subject: "我无法登录", text: "我无法登录", ..LETTER
        },
    ),
    (
        "names",
        Meaning {
            subject: "Документы",
            text: "Документы во вложении.",
            files: &[
                ("Договор.pdf", 12),
                ("Счёт.pdf", 13),
                ("job", 1),
                ("invoicefdp.exe", 2),
                ("file-5.png", 68),
                ("winmail.dat", 4),
                ("file-7.ics", 192),
            ],
            ..LETTER
        },
    ),
    (
        "invitation",
        Meaning {
            subject: "Встреча по заказу",
            text: "Event: Встреча по заказу\nStarts: 20250506T110000\nWhere: Офис, этаж 2",
            files: &[("file-1.ics", 192)],
            ..LETTER
        },
    ),
    (
        "out_of_office",
        Meaning {
            subject: "Автоматический ответ: Ваш заказ",
            text: "Я в отпуске до 12 мая.",
            automatic: Some(Automatic::AutoReply),
            ..LETTER
        },
    ),
    (
        "auto_replied",
        Meaning {
            subject: "Re: Ваш заказ",
            text: "Я в отпуске до 12 мая.",
            automatic: Some(Automatic::AutoReply),
            ..LETTER
        },
    ),
    (
        "newsletter",
        Meaning {
            from: "Магазин <news@shop.example>",
            subject: "Скидки мая",
            text: "Скидки на чашки.",
            automatic: Some(Automatic::List),
            ..LETTER
        },
    ),
    (
        "own_loop",
        Meaning {
            from: "Поддержка <support@desk.example>",
            subject: "Ваша заявка принята",
            text: "Мы ответим сегодня.",
            automatic: Some(Automatic::OwnLoop),
            ..LETTER
        },
    ),
    (
        "no_reply",
        Meaning {
            from: "Банк <no-reply@bank.example>",
            subject: "Выписка",
            text: "Выписка готова.",
            automatic: Some(Automatic::NoReply),
            ..LETTER
        },
    ),
    (
        "read_receipt",
        Meaning {
            subject: "Прочитано: Ваш заказ",
            text: "Ваше письмо прочитано.",
            files: &[("file-1.txt", 142)],
            automatic: Some(Automatic::AutoGenerated),
            ..LETTER
        },
    ),
    (
        "about_a_bounce",
        Meaning {
            subject: "Undelivered Mail Returned to Sender",
            text: "Я получил от вашего сервера вот это, что с этим делать?\n\n\
                Your message could not be delivered to one or more recipients.\n\
                <info@desk.example>: 550 5.1.1 User unknown",
            ..LETTER
        },
    ),
    ("damaged", Meaning { from: "Ivan <ivan@shop.example>", subject: "cut", text: "Помогите", ..LETTER }),
    ("no_header", Meaning { from: "", text: "Перезвоните мне, пожалуйста.", ..LETTER }),
];

fn from(mail: &Mail) -> String {
    mail.from.iter().fold(String::new(), |all, mailbox| match &mailbox.name {
        Some(name) => format!("{all}{name} <{}>", mailbox.address),
        None => format!("{all}{}", mailbox.address),
    })
}

#[test]
fn every_mail_has_its_meaning() {
    for (name, meaning) in MEANINGS {
        let mail = read(&fixture(name));
        assert_eq!(from(&mail), meaning.from, "{name}");
        assert_eq!(mail.subject, meaning.subject, "{name}");
        assert_eq!(mail.text, meaning.text, "{name}");
        assert_eq!(mail.signature.as_deref().unwrap_or_default(), meaning.signature, "{name}");
        let quoted = mail.quoted.as_deref().unwrap_or_default();
        assert!(quoted.starts_with(meaning.quoted), "{name}: {quoted}");
        assert_eq!(quoted.is_empty(), meaning.quoted.is_empty(), "{name}: {quoted}");
        let files: Vec<(&str, usize)> =
            mail.attachments.iter().map(|file| (file.name.as_str(), file.size)).collect();
        assert_eq!(files, meaning.files, "{name}");
        assert_eq!(mail.automatic, meaning.automatic, "{name}");
        assert_eq!((mail.bounce, mail.complaint), (None, None), "{name}");
    }
}

#[test]
fn no_fixture_is_without_a_test() {
    const ELSEWHERE: &[&str] = &["bounce", "bounce_in_words", "complaint", "delivered_to"];
    for (name, _) in fixtures() {
        let told = MEANINGS.iter().any(|(known, _)| *known == name) || ELSEWHERE.contains(&name.as_str());
        assert!(told, "{name}");
    }
}

#[test]
fn a_bounce_tells_whom_it_is_about_and_what_it_was() {
    let mail = read(&fixture("bounce"));
    assert_eq!((mail.automatic, mail.return_path), (Some(Automatic::Bounce), Some(ReturnPath::Null)));
    let bounce = mail.bounce.unwrap();
    let told: Vec<_> = bounce
        .recipients
        .iter()
        .map(|to| (to.address.as_str(), to.action.as_str(), to.status.as_deref(), to.permanent))
        .collect();
    let expected = [
        ("nobody@shop.example", "failed", Some("5.1.1"), true),
        ("full@shop.example", "delayed", Some("4.2.2"), false),
    ];
    assert_eq!(told, expected);
    assert_eq!(
        bounce.recipients[0].diagnostic.as_deref(),
        Some("550 5.1.1 <nobody@shop.example>: user unknown")
    );

    let in_words = read(&fixture("bounce_in_words")).bounce.unwrap();
    assert_eq!(in_words.recipients.len(), 1);
    assert_eq!(in_words.recipients[0].status.as_deref(), Some("5.1.1"));
    assert!(in_words.recipients[0].permanent);
    for bounce in [bounce, in_words] {
        assert_eq!(bounce.original_message_id.as_deref(), Some("0102abc-000@eu-west-1.amazonses.com"));
        assert_eq!(bounce.original_references, ["first@shop.example", "r1.t42@desk.example"]);
        assert_eq!(bounce.original_subject.as_deref(), Some("Re: [#42] Не могу войти"));
    }
}

#[test]
fn a_complaint_tells_who_and_what() {
    let mail = read(&fixture("complaint"));
    assert_eq!((mail.automatic, mail.bounce), (Some(Automatic::Complaint), None));
    let complaint = mail.complaint.unwrap();
    assert_eq!(
        (complaint.kind.as_str(), complaint.recipients.as_slice()),
        ("abuse", ["ivan@shop.example".to_owned()].as_slice())
    );
    assert_eq!(complaint.original_message_id.as_deref(), Some("0102abc-000@eu-west-1.amazonses.com"));
}

#[test]
fn the_envelope_is_told_apart_from_the_letterhead() {
    let mail = read(&fixture("delivered_to"));
    let addresses = |list: &[channels::email::Mailbox]| -> Vec<String> {
        list.iter().map(|mailbox| mailbox.address.clone()).collect()
    };
    assert_eq!(mail.message_id, None);
    assert_eq!(mail.in_reply_to, [""; 0]);
    assert_eq!(mail.return_path, Some(ReturnPath::Address("ivan@shop.example".to_owned())));
    assert_eq!(mail.delivered_to, ["desk@host.example", "support+abc123@desk.example"]);
    assert_eq!(addresses(&mail.from), ["ivan@shop.example"]);
    assert_eq!(mail.sender.unwrap().address, "anna@shop.example");
    assert_eq!(addresses(&mail.reply_to), ["ivan.private@shop.example"]);
    assert_eq!(mail.reply_to[0].name.as_deref(), Some("Petrov, Ivan"));
    assert_eq!(addresses(&mail.to), ["a@desk.example", "b@desk.example"]);
    assert_eq!(addresses(&mail.cc), ["anna@xn--80a1acny.xn--p1ai"]);
    assert_eq!(mail.cc[0].name.as_deref(), Some("Анна"));

    let reply = read(&fixture("gmail_reply"));
    assert_eq!(reply.message_id.as_deref(), Some("ivan.1@shop.example"));
    assert_eq!(reply.in_reply_to, ["r1.t42@desk.example"]);
    assert_eq!(reply.references, ["first@shop.example", "r1.t42@desk.example"]);
    assert_eq!(reply.date, Some("2025-05-05T07:00:00Z".parse().unwrap()));
}

#[test]
fn files_are_handed_out_one_by_one() {
    let bytes = fixture("names");
    assert_eq!(attachment(&bytes, 0).unwrap(), b"%PDF-1.4 one");
    assert_eq!(attachment(&bytes, 1).unwrap(), b"%PDF-1.4 two!");
    assert_eq!(attachment(&bytes, 7), None);
    for (name, bytes) in fixtures() {
        for file in read(&bytes).attachments {
            assert_eq!(attachment(&bytes, file.index).unwrap().len(), file.size, "{name}");
        }
    }
    let inline = read(&fixture("outlook_desktop_reply"));
    assert!(inline.attachments[0].inline && inline.html.unwrap().contains("cid:image001.png@01DBBD"));
    assert!(read(&fixture("names")).notes.iter().any(|note| note.contains("winmail.dat")));
}
