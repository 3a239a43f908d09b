//! Answers of mail servers: as they should be, as some are, and broken off.

/// Whom the mail is for, as servers repeat it.
pub(super) const PEN_FRIEND: &str = "maria@trade.example";
pub(super) const PEN_FRIENDS_DOMAIN: &str = "trade.example";
/// Somebody else, whose address is as long and looks like a server's words.
pub(super) const OTHER_ADDRESS: &str = "relay@relay.example";
pub(super) const OTHER_DOMAIN: &str = "relay.example";

const SAMPLES: [&[u8]; 41] = [
    b"220 mail.test ESMTP\r\n",
    b"250-mail.test\r\n250-AUTH PLAIN LOGIN\r\n250-8BITMIME\r\n250 SIZE 1000\r\n",
    b"250-mail.test greets you\r\n250-STARTTLS\r\n250-AUTH LOGIN\r\n250 ENHANCEDSTATUSCODES\r\n",
    b"250-mail.test\r\n250-  \r\n250 AUTH PLAIN\r\n",
    b"235 2.7.0 Welcome\r\n",
    b"334 VXNlcm5hbWU6\r\n",
    b"334 UGFzc3dvcmQ6\r\n",
    b"334 \r\n",
    b"250 2.1.0 Ok\r\n",
    b"250 2.1.5 Ok\r\n",
    b"251 User not local; will forward to <maria@trade.example>\r\n",
    b"354 Go on\r\n",
    b"250 2.0.0 Ok: queued as 4F0A\r\n",
    b"250-2.0.0 Ok\r\n250-2.0.0 550 5.1.1 is what we did not say\r\n250 2.0.0 1790000000 abc-123.45\r\n",
    b"250 \r\n",
    b"250\r\n",
    b"250 2.0.0 Ok\n",
    b"250-2.0.0 Ok\n250 2.0.0 queued\n",
    b"250-2.0.0 One moment\r\n",
    b"250-2.0.0 Ok\r\n550 5.7.1 No\r\n",
    b"250 2.0.0 Ok: que",
    b"550 5.1.1 User unk",
    b"25",
    b"",
    b"221 2.0.0 Bye\r\n",
    b"421 4.3.2 Shutting down\r\n",
    b"450 4.2.0 <maria@trade.example>: Greylisted, see http://trade.example/\r\n",
    b"451 4.3.0 Local error\r\n",
    b"452 4.7.0 Too many messages\r\n",
    b"454 4.7.0 Temporary authentication failure\r\n",
    b"530 5.7.0 Must issue a STARTTLS command first\r\n",
    b"535 5.7.8 Not s3cr@t enough, nor AHVzZXIAczNjckB0 or czNjckB0\r\n",
    b"550 5.4.5 Daily user sending limit exceeded\r\n",
    b"550-5.1.1 The account does not exist.\r\n550-5.1.1 Look for typos in maria@trade.example, or at\r\n550 5.1.1 https://mail.test/?p=NoSuchUser 7-20020 - gsmtp\r\n",
    b"550 maria@trade.example: no such user\r\n",
    b"550 Unrouteable address: trade.example\r\n",
    b"552 5.2.2 Mailbox full\r\n",
    b"552 5.3.4 Message size exceeds limit\r\n",
    b"554 5.7.1 <maria@trade.example>: Relay access denied\r\n",
    b"550 5.7.1 \xf1\xef\xe0\xec\r\n",
    b"HTTP/1.1 400 Bad Request\r\n\r\n",
];

/// The samples, with lines that are longer than any may be.
pub(super) fn samples() -> Vec<Vec<u8>> {
    let long =
        |code: &str, length: usize| format!("{code} {}\r\n", "five chars ".repeat(length / 11)).into_bytes();
    let mut samples = SAMPLES.map(<[u8]>::to_vec).to_vec();
    samples.extend([long("250", 490), long("550", 700), long("250", 1500), long("554", 5000)]);
    samples.push("550-5.7.1 Spam\r\n".repeat(20).into_bytes());
    samples
}
