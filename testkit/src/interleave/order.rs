//! Which client goes next: one order after the other, depth first.
//!
//! Sleep sets (Godefroid) leave out orders that differ only in independent steps: after
//! all runs that begin with step `a` were made, a sibling run need not take `a` until it
//! has taken a step that `a` depends on.

use crate::seed::Chance;
use crate::tap::Call;

/// Chooses the steps of one run, and then of the next.
#[derive(Debug)]
pub(super) struct Order {
    path: Vec<Node>,
    /// How many steps of the path this run has taken.
    at: usize,
    mode: Mode,
}

#[derive(Debug)]
enum Mode {
    /// Depth first; with all orders, or one of those that differ in nothing.
    Search {
        every: bool,
    },
    Random(Chance),
    Fixed(Vec<usize>),
}

/// A place where a client was chosen.
#[derive(Debug)]
struct Node {
    waiting: Vec<(usize, Call)>,
    /// Clients whose step was tried from here, or would only repeat another order.
    asleep: Vec<usize>,
    chosen: usize,
}

/// Whether two steps of two clients can be exchanged without anyone noticing.
fn independent(a: &Call, b: &Call) -> bool {
    use crate::tap::Verb;
    // What an unfinished upload does is its own affair.
    let unseen = |call: &Call| matches!(call.verb, Verb::Begin | Verb::Part | Verb::Abort);
    if unseen(a) || unseen(b) || (a.verb.reads() && b.verb.reads()) {
        return true;
    }
    match (a.verb, b.verb) {
        (Verb::List, _) => !b.key.starts_with(&a.key),
        (_, Verb::List) => !a.key.starts_with(&b.key),
        _ => a.key != b.key,
    }
}

impl Order {
    /// The first of all.
    pub(super) fn first(every: bool) -> Self {
        Self::new(Mode::Search { every })
    }

    /// One drawn by chance.
    pub(super) fn random(chance: Chance) -> Self {
        Self::new(Mode::Random(chance))
    }

    /// This one; when it ends, the lowest client goes first.
    pub(super) fn fixed(choices: Vec<usize>) -> Self {
        Self::new(Mode::Fixed(choices))
    }

    fn new(mode: Mode) -> Self {
        Self {
            path: Vec::new(),
            at: 0,
            mode,
        }
    }

    /// The client that goes next; nothing if every step here would repeat an order.
    pub(super) fn choose(&mut self, waiting: &[(usize, Call)]) -> Option<usize> {
        let at = self.at;
        self.at += 1;
        match &mut self.mode {
            Mode::Random(chance) => Some(chance.pick(waiting).0),
            Mode::Fixed(choices) => {
                let wanted = choices.get(at).copied();
                let waits = |client: &usize| waiting.iter().any(|(waits, _)| waits == client);
                Some(wanted.filter(waits).unwrap_or(waiting[0].0))
            }
            Mode::Search { every } => {
                if let Some(node) = self.path.get(at) {
                    assert_eq!(
                        node.waiting, waiting,
                        "a client did something else though it was told the same: \
                         interleavings can be searched only where chance and time are given"
                    );
                    return Some(node.chosen);
                }
                let asleep = match self.path.last() {
                    Some(parent) if !*every => parent.asleep_below(),
                    _ => Vec::new(),
                };
                let chosen = waiting
                    .iter()
                    .map(|(client, _)| *client)
                    .find(|client| !asleep.contains(client))?;
                self.path.push(Node {
                    waiting: waiting.to_vec(),
                    asleep,
                    chosen,
                });
                Some(chosen)
            }
        }
    }

    /// Goes to the next order; false if there is none.
    pub(super) fn next(&mut self) -> bool {
        self.at = 0;
        while let Some(node) = self.path.last_mut() {
            node.asleep.push(node.chosen);
            let next = node
                .waiting
                .iter()
                .map(|(client, _)| *client)
                .find(|client| !node.asleep.contains(client));
            if let Some(next) = next {
                node.chosen = next;
                return true;
            }
            self.path.pop();
        }
        false
    }

    /// A lower bound of the orders that are still to come.
    pub(super) fn breadth(&self) -> usize {
        self.path
            .iter()
            .map(|node| node.waiting.len().saturating_sub(node.asleep.len() + 1))
            .sum::<usize>()
            + 1
    }
}

impl Node {
    fn call(&self, client: usize) -> Option<&Call> {
        let found = self.waiting.iter().find(|(waits, _)| *waits == client);
        found.map(|(_, call)| call)
    }

    /// Who still sleeps after the chosen step.
    fn asleep_below(&self) -> Vec<usize> {
        let step = self.call(self.chosen);
        self.asleep
            .iter()
            .copied()
            .filter(|&client| match (step, self.call(client)) {
                (Some(step), Some(call)) => client != self.chosen && independent(step, call),
                _ => false,
            })
            .collect()
    }
}
