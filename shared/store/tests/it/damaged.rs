//! Messages of the queues, whatever happens to them on their way.

use std::sync::Arc;

use mutations::{config, damaged_text};
use object_store::memory::InMemory;
use proptest::prelude::*;
use store::blobs::{Blobs, NoLinks};
use store::envelope::{Envelope, Outbound, Work};

const INBOUND: [&str; 4] = [
    r#"{"v":1,"inbound":{"thread":{"channel":"telegram","connection":"cnx_01ARZ3NDEKTSV4RRFFQ69G5FAV","conversation":"7001"},
        "class":"messenger","key":"update:5001","at":"2026-11-22T12:00:00Z","sender":{"kind":"telegram","address":"7001",
        "name":"Anna","username":"anna_l","language":"sv"},"happened":{"type":"message","id":"101","content":{"text":"Hi"}}}}"#,
    r#"{"v":1,"inbound":{"thread":{"channel":"email","connection":"cnx_01ARZ3NDEKTSV4RRFFQ69G5FAV","conversation":"unparsed"},
        "class":"email","key":"body:aa","at":"2026-11-22T12:00:00Z","sender":null,"happened":{"type":"unparsed","reason":"no"},
        "raw":{"base64":"AAEC"}},"late":true}"#,
    r#"{"v":1,"object":"inbound/0123456789abcdef"}"#,
    r#"{"v":2,"object":"inbound/0123456789abcdef","hint":{"a":[1,2.5,null]}}"#,
];

const OTHERS: [&str; 4] = [
    r#"{"thread":{"channel":"telegram","connection":"cnx_01ARZ3NDEKTSV4RRFFQ69G5FAV","conversation":"7001"},"reply":"rep_01ARZ3NDEKTSV4RRFFQ69G5FAV"}"#,
    r#"{"do":"fetch_files","ticket":"tkt_01ARZ3NDEKTSV4RRFFQ69G5FAV","seq":7}"#,
    r#"{"do":"acknowledge","ticket":"tkt_01ARZ3NDEKTSV4RRFFQ69G5FAV","seq":18446744073709551615}"#,
    r#"{"do":"index_contact","contact":"con_01ARZ3NDEKTSV4RRFFQ69G5FAV"}"#,
];

fn bytes<const N: usize>(samples: [&str; N]) -> Vec<Vec<u8>> {
    samples.map(|sample| sample.as_bytes().to_vec()).to_vec()
}

fn at_once<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn an_envelope_is_unpacked_or_none(body in damaged_text(bytes(INBOUND))) {
        let blobs = Blobs::new(Arc::new(InMemory::new()), Arc::new(NoLinks));
        // What points to an object that is not there is an error of the store, and comes again.
        if let Ok(Some((inbound, _))) = at_once(Envelope::unpack(&body, &blobs)) {
            let packed = at_once(Envelope::pack(inbound.clone(), &blobs)).unwrap();
            prop_assert_eq!(at_once(Envelope::unpack(&packed.body, &blobs)).unwrap(), Some((inbound, false)));
        }
    }

    #[test]
    fn other_messages_are_read_as_they_are_written(body in damaged_text(bytes(OTHERS))) {
        if let Ok(outbound) = serde_json::from_str::<Outbound>(&body) {
            let packed = outbound.pack("test");
            prop_assert_eq!(packed.check(true), Ok(()));
            prop_assert_eq!(serde_json::from_str::<Outbound>(&packed.body).unwrap(), outbound);
        }
        if let Ok(work) = serde_json::from_str::<Work>(&body) {
            let packed = work.pack();
            prop_assert_eq!(packed.check(false), Ok(()));
            prop_assert_eq!(serde_json::from_str::<Work>(&packed.body).unwrap(), work);
        }
    }
}

#[test]
fn every_sample_is_read() {
    let inbound = INBOUND.iter().filter(|body| serde_json::from_str::<Envelope>(body).is_ok()).count();
    let [outbound, work @ ..] = OTHERS;
    assert_eq!(inbound, INBOUND.len());
    assert!(serde_json::from_str::<Outbound>(outbound).is_ok());
    assert!(work.iter().all(|work| serde_json::from_str::<Work>(work).is_ok()));
}
