//! Cyrillic text under a wrong name: which charset makes words of its bytes.
//!
//! A reading is judged by the letters that follow one another: in Russian, nine of ten pairs are common ones, in
//! Ukrainian, Belarusian, Bulgarian, Macedonian and Serbian most are; read in a wrong charset, a third of them at most.

use mail_parser::decoders::charsets::map::charset_decoder;

/// The charsets that Cyrillic mails are in, the most usual first.
const CHARSETS: [&str; 4] = ["windows-1251", "koi8-r", "ibm866", "iso-8859-5"];
/// Charsets that programs declare for whatever they send.
const WESTERN: [&str; 7] =
    ["iso-8859-1", "iso8859-1", "latin1", "iso-8859-15", "windows-1252", "cp1252", "iso_8859-1"];
/// How much of a text is judged, in bytes.
const JUDGED: usize = 64 * 1024;
/// How many of a hundred pairs make a reading right, if a Latin one is the other.
const WORDS: usize = 60;
/// The same, if the other is Cyrillic.
const CLEARLY_WORDS: usize = 70;
/// How many more of a hundred pairs are common in a right reading than in a wrong one.
const BETTER: usize = 30;

/// The letters that often follow each letter from `а` to `я` within Russian words.
const FOLLOWERS: [&str; 32] = [
    "вдзйклмнрстхчшяю",
    "аеилоруы",
    "аеионсырл",
    "аеилору",
    "аеинорую",
    "вгдежзйклмнрстчщ",
    "аедин",
    "авднол",
    "вдезийклмнстхчя",
    "стн",
    "аеиолрту",
    "аеиоьюяу",
    "аеиоуыня",
    "аеиоыняут",
    "бвгджзйклмнпрстчш",
    "аеилору",
    "аеиосуыятн",
    "аекилмнопстяьв",
    "аеиоврсуьын",
    "бгдежклмпрстчюш",
    "аиор",
    "оа",
    "аеи",
    "аеинто",
    "аеилоь",
    "аеи",
    "ея",
    "бвейлмстх",
    "кнсшзем",
    "лт",
    "бдтщч",
    "вдзлмнст",
];

/// How well a reading of some bytes makes words.
#[derive(Debug, Clone, Copy, Default)]
struct Reading {
    /// Neighbouring characters outside ASCII.
    pairs: usize,
    /// Those that are common in words.
    common: usize,
    /// Different ones of them.
    different: usize,
}

impl Reading {
    /// How many of a hundred pairs are common.
    const fn share(self) -> usize {
        match self.pairs {
            0 => 0,
            pairs => self.common * 100 / pairs,
        }
    }

    /// Whether at least so many of a hundred pairs are common, and enough to be no accident.
    const fn makes_words(self, percent: usize, at_least: usize) -> bool {
        self.pairs >= at_least && self.different >= 3 && self.share() >= percent
    }
}

/// The charset that bytes are in rather than in the declared one; `None` where nothing speaks clearly against that.
pub(super) fn instead_of(declared: &str, bytes: &[u8]) -> Option<&'static str> {
    if WESTERN.contains(&declared) {
        return undeclared(bytes);
    }
    let own = match declared {
        "koi8-u" | "koi8-ru" => "koi8-r",
        "cp1251" => "windows-1251",
        "cp866" => "ibm866",
        declared => declared,
    };
    if !CHARSETS.contains(&own) {
        return None;
    }
    let as_declared = read(bytes, own)?.share();
    let clearly = |reading: Reading| reading.makes_words(CLEARLY_WORDS.max(as_declared + BETTER), 6);
    best(bytes).filter(|(charset, reading)| *charset != own && clearly(*reading)).map(|(charset, _)| charset)
}

/// The Cyrillic charset that bytes are clearly in, if nothing is known about them.
pub(super) fn undeclared(bytes: &[u8]) -> Option<&'static str> {
    if is_mixed(bytes) {
        return None;
    }
    best(bytes).filter(|(_, reading)| reading.makes_words(WORDS, 4)).map(|(charset, _)| charset)
}

/// The reading with the most common pairs.
fn best(bytes: &[u8]) -> Option<(&'static str, Reading)> {
    let readings = CHARSETS.iter().filter_map(|charset| Some((*charset, read(bytes, charset)?)));
    // Of equal ones the first.
    readings.rev().max_by_key(|(_, reading)| reading.share())
}

fn read(bytes: &[u8], charset: &str) -> Option<Reading> {
    let all: Vec<u8> = (0x80..=0xff).collect();
    let letters: Vec<char> = charset_decoder(charset.as_bytes())?(&all).chars().map(lower).collect();
    let letter = |byte: u8| letters.get(usize::from(byte.checked_sub(0x80)?)).filter(|c| !c.is_whitespace());
    let mut reading = Reading::default();
    let mut seen = [0_u32; 32];
    for pair in bytes.get(..JUDGED).unwrap_or(bytes).windows(2) {
        let [first, second] = pair else { continue };
        let (Some(first), Some(second)) = (letter(*first), letter(*second)) else { continue };
        reading.pairs += 1;
        let position = u32::from(*first).checked_sub(u32::from('а')).and_then(|it| usize::try_from(it).ok());
        let Some(followers) = position.and_then(|position| FOLLOWERS.get(position)) else { continue };
        let follower = followers.chars().position(|follower| follower == *second);
        let (Some(follower), Some(seen)) = (follower, position.and_then(|it| seen.get_mut(it))) else {
            continue;
        };
        reading.common += 1;
        reading.different += usize::from(*seen & 1 << follower == 0);
        *seen |= 1 << follower;
    }
    Some(reading)
}

fn lower(c: char) -> char {
    match c.to_lowercase().next() {
        Some('ё') => 'е',
        Some(lower) => lower,
        None => c,
    }
}

/// Whether many words have letters both in ASCII and outside it, as in all languages with Latin letters.
fn is_mixed(bytes: &[u8]) -> bool {
    let (mut mixed, mut others) = (0_usize, 0_usize);
    let in_word = |byte: &u8| byte.is_ascii_alphabetic() || *byte >= 0x80;
    for word in bytes.get(..JUDGED).unwrap_or(bytes).split(|byte| !in_word(byte)) {
        match (word.is_ascii(), word.iter().any(u8::is_ascii_alphabetic)) {
            (true, _) => {}
            (false, true) => mixed += 1,
            (false, false) => others += 1,
        }
    }
    mixed * 4 > others
}

#[cfg(test)]
mod tests {
    use super::super::decode;

    /// What becomes of text that is in one charset and said to be in another.
    fn said_to_be(text: &str, charset: &str, declared: Option<&str>) -> String {
        decode(&encoded(text, charset).unwrap(), declared)
    }

    /// `None` where the charset does not have all characters of the text.
    fn encoded(text: &str, charset: &str) -> Option<Vec<u8>> {
        let all: Vec<u8> = (0..=255).collect();
        let decoder = super::charset_decoder(charset.as_bytes()).unwrap();
        let letters: Vec<char> = all.iter().map(|byte| decoder(&[*byte]).chars().next().unwrap()).collect();
        let byte = |c: char| letters.iter().position(|it| *it == c).and_then(|it| u8::try_from(it).ok());
        text.chars().map(byte).collect()
    }

    const RUSSIAN: [&str; 8] = [
        "Здравствуйте",
        "Здравствуйте! Лампа не горит уже неделю, прошу заменить.",
        "СРОЧНО! НЕ РАБОТАЕТ ЗАКАЗ № 1024",
        "Возврат денег",
        "Вопрос по доставке Order 1024",
        "Ещё жду ответа по заявке",
        "Объявление",
        "Анна Сергеевна Иванова",
    ];

    #[test]
    fn russian_is_read_whatever_is_declared() {
        for text in RUSSIAN {
            for charset in super::CHARSETS {
                if encoded(text, charset).is_none() {
                    continue;
                }
                let western = ["iso-8859-1", "ISO-8859-15", "windows-1252", "Latin1"];
                for declared in
                    western.into_iter().chain(super::CHARSETS).map(Some).chain([None, Some("utf-8")])
                {
                    let read = said_to_be(text, charset, declared);
                    assert_eq!(read, text, "{charset} declared {declared:?}");
                }
            }
        }
        assert_eq!(said_to_be("Привет", "windows-1251", Some("iso-8859-1")), "Привет");
        assert_eq!(
            said_to_be("Прошу повернути гроші", "windows-1251", Some("iso-8859-1")),
            "Прошу повернути гроші"
        );
    }

    #[test]
    fn what_is_declared_rightly_stays() {
        let cyrillic = [
            "Добрий день! Лампа не працює вже тиждень, прошу замінити.",
            "Її гроші щодня",
            "Вітаю",
            "Добры дзень, лямпа не працуе ўжо тыдзень, прашу замяніць",
            "Здравейте, лампата не работи от една седмица, моля да я смените",
            "Поръчка",
            "Бързо, бързо",
            "Поштовани, лампа не ради већ недељу дана, молим вас замените је",
            "Љубав њена",
            "Ђорђе Ђурђевић",
            "Здраво, светилката не работи веќе една недела",
            "ФЫВАПРОЛД",
            "щ",
            "ЖЭК",
        ];
        for text in cyrillic.into_iter().chain(RUSSIAN) {
            for charset in ["windows-1251", "koi8-u", "ibm866", "iso-8859-5"] {
                if let Some(bytes) = encoded(text, charset) {
                    assert_eq!(decode(&bytes, Some(charset)), text, "{charset}");
                }
            }
        }
        let western = [
            "äöü ÄÖÜ ß åäö ÅÄÖ æøå ÆØÅ",
            "éèêëàâîïôûùç",
            "ÀÉÈÙÇ",
            "ñáéíóúü",
            "«Ça va très bien, élève» où",
            "ÄÄÄÄ öööö",
            "àáâãäåæçèéêëìíîïðñòóôõöøùúûüýþÿ",
            "Þórður Ævar Óðinn Ásgeir",
            "Größe, Füße, Straße, Übergröße",
            "ação, não, coração, avô, às",
            "¡Señor! ¿Qué pasó?",
            "£10 – ½ price °C ©®",
        ];
        for text in western {
            for declared in ["windows-1252", "iso-8859-1"] {
                assert_eq!(said_to_be(text, "windows-1252", Some(declared)), text, "{declared}");
            }
        }
    }

    #[test]
    fn a_few_letters_prove_nothing() {
        assert_eq!(said_to_be("Счёт", "windows-1251", Some("iso-8859-1")), "Ñ÷¸ò");
        assert_eq!(said_to_be("Да", "koi8-r", Some("windows-1251")), "дБ");
    }
}
