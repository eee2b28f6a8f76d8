//! A request on its way: what faults do to it, its answer, and its place in the record of requests.
//!
//! Invariant: what is done is recorded as often as it is done, with the status the client saw.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use axum::http::{Version, request::Parts};

use super::{
    Call, Reply, answer, bearer, decode,
    strike::{Turn, early_answer, in_time, limit_info, shortened, too_many_at_once},
};
use crate::sandbox::{
    audit::{Billing, Seen, body_text, kind_of},
    faults::FaultKind,
    server::Server,
};

/// A request with the faults that strike it.
pub struct Asked {
    pub server: Arc<Server>,
    pub parts: Parts,
    pub call: Call,
    pub strikes: Vec<FaultKind>,
}

/// How a request ends for the client.
pub enum End {
    Answered(Reply),
    /// The connection ends without an answer.
    HungUp,
}

impl Asked {
    fn struck_by(&self, kind: &FaultKind) -> bool {
        self.strikes.contains(kind)
    }

    /// Does what is asked, as the faults have it.
    pub async fn run(self, turn: &Turn) -> End {
        for strike in &self.strikes {
            match strike {
                FaultKind::Delay { ms } => tokio::time::sleep(Duration::from_millis(*ms)).await,
                FaultKind::Hold => {
                    let mut holding = self.server.faults().holding();
                    // It ends with the server, too.
                    let _ = holding.wait_for(|holding| !holding).await;
                }
                FaultKind::ExpireSession => self.server.oauth().expire(bearer(&self.call)),
                FaultKind::CloseCursors => self.server.cursors().clear(),
                FaultKind::Late { ms } => {
                    let wait = Duration::from_millis(*ms);
                    tokio::spawn(self.later(wait));
                    return End::HungUp;
                }
                _ => {}
            }
        }
        let (reply, billing) = match self.early(turn) {
            Some(reply) => (reply, Billing::Free),
            None => {
                if self.struck_by(&FaultKind::Duplicate) {
                    let (first, billing) = answer(&self.server, &self.call).await;
                    self.record(None, first.content.len(), billing);
                }
                let (mut reply, billing) = answer(&self.server, &self.call).await;
                for strike in &self.strikes {
                    if let FaultKind::SlowQuery { most } = strike {
                        reply = in_time(reply, *most);
                    }
                }
                match self.struck_by(&FaultKind::ShortList) {
                    true => (shortened(reply), billing),
                    false => (reply, billing),
                }
            }
        };
        let ends = self.struck_by(&FaultKind::DropBefore) || self.struck_by(&FaultKind::DropAfter);
        let status = (!ends).then_some(reply.status);
        self.record(status, reply.content.len(), billing);
        match ends {
            true => End::HungUp,
            false => End::Answered(reply),
        }
    }

    /// What is said instead of doing it.
    fn early(&self, turn: &Turn) -> Option<Reply> {
        let path = self.parts.uri.path();
        let data = path.starts_with("/services/data/");
        let reply = match turn.is_over(&self.server) && data {
            true => Reply::fail(&too_many_at_once()),
            false => self
                .strikes
                .iter()
                .find_map(|strike| early_answer(strike, &self.parts.method, path))?,
        };
        // What the org itself refuses says what is used up; a gateway knows nothing of that.
        Some(match data && (402..500).contains(&reply.status) {
            true => limit_info(reply, self.server.allowance.state()),
            false => reply,
        })
    }

    /// Does what is asked when nobody waits for it any more.
    async fn later(self, wait: Duration) {
        tokio::time::sleep(wait).await;
        let (reply, billing) = answer(&self.server, &self.call).await;
        self.record(None, reply.content.len(), billing);
    }

    fn record(&self, status: Option<u16>, response_bytes: usize, billing: Billing) {
        let path = self.parts.uri.path();
        let kept = |name: &str| {
            name.starts_with("if-")
                || name.starts_with("sforce-")
                || matches!(name, "accept" | "user-agent" | "content-type")
        };
        let headers: BTreeMap<String, String> = self
            .parts
            .headers
            .iter()
            .filter(|(name, _)| kept(name.as_str()))
            .map(|(name, value)| {
                let value = String::from_utf8_lossy(value.as_bytes());
                (name.as_str().to_owned(), value.into_owned())
            })
            .collect();
        let open = path.starts_with("/services/data");
        let query = self.parts.uri.query().filter(|_| open);
        let seen = Seen {
            number: 0,
            at_ms: self.server.clock.now_ms(),
            http: match self.parts.version {
                Version::HTTP_2 => "2",
                Version::HTTP_10 => "1.0",
                _ => "1.1",
            },
            method: self.parts.method.to_string(),
            path: path.to_owned(),
            query: query.map(|q| decode(&q.replace('+', " "))),
            kind: kind_of(&self.parts.method, path),
            status,
            headers,
            body: body_text(&self.call.body).filter(|_| open),
            response_bytes,
            faults: self.strikes.iter().map(FaultKind::name).collect(),
        };
        self.server.audit().add(seen, billing);
    }
}
