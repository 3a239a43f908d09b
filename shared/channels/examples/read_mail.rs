//! Shows what is read from mails: `cargo run -p lambdesk-channels --example read_mail -- FILE…`
//!
//! A file that ends in `.txt` is taken for the text of a mail without a header.

#![expect(clippy::print_stdout, reason = "printing is what it is for")]

use std::env::args_os;
use std::path::Path;

use channels::email::{Mail, read};

fn main() -> std::io::Result<()> {
    for file in args_os().skip(1) {
        let path = Path::new(&file);
        let mut bytes = std::fs::read(path)?;
        if path.extension().is_some_and(|ending| ending == "txt") {
            bytes.splice(..0, *b"From: somebody@example.org\r\n\r\n");
        }
        show(path, &read(&bytes));
    }
    Ok(())
}

fn show(path: &Path, mail: &Mail) {
    println!("==== {}", path.display());
    let addresses = |list: &[channels::email::Mailbox]| {
        let all: Vec<String> = list
            .iter()
            .map(|mailbox| format!("{} <{}>", mailbox.name.as_deref().unwrap_or("-"), mailbox.address))
            .collect();
        all.join(", ")
    };
    println!("from: {} | to: {} | subject: {:?}", addresses(&mail.from), addresses(&mail.to), mail.subject);
    println!("date: {:?} | id: {:?} | path: {:?}", mail.date, mail.message_id, mail.return_path);
    println!("automatic: {:?}", mail.automatic);
    if let Some(bounce) = &mail.bounce {
        println!("bounce: {bounce:?}");
    }
    if let Some(complaint) = &mail.complaint {
        println!("complaint: {complaint:?}");
    }
    for file in &mail.attachments {
        println!("file: {file:?}");
    }
    for note in &mail.notes {
        println!("note: {note}");
    }
    println!("---- text\n{}", mail.text);
    for (title, folded) in [("quoted", &mail.quoted), ("signature", &mail.signature)] {
        if let Some(folded) = folded {
            println!("---- {title}\n{folded}");
        }
    }
}
