//! Free TCP ports on loopback.

use std::net::{Ipv4Addr, TcpListener};
use std::time::{SystemTime, UNIX_EPOCH};

// Below the range from which systems take ports for outgoing connections: a port found
// free here is not handed to somebody else's connection a moment later.
const FIRST: u16 = 17_000;
const LAST: u16 = 32_000;

/// So many different ports that are free now.
///
/// Another program may still take one before it is used; the caller tries again then.
pub fn free(count: usize) -> Result<Vec<u16>, String> {
    let span = u32::from(LAST - FIRST);
    let chance = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.subsec_nanos());
    let start = chance.wrapping_add(std::process::id().wrapping_mul(7919)) % span;
    // Each stays taken until all are found.
    let mut held = Vec::with_capacity(count);
    let mut found = Vec::with_capacity(count);
    for step in 0..span {
        if held.len() == count {
            break;
        }
        let offset = u16::try_from((start + step) % span).unwrap_or(0);
        let port = FIRST + offset;
        if let Ok(listener) = TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
            found.push(port);
            held.push(listener);
        }
    }
    if held.len() == count {
        Ok(found)
    } else {
        Err(format!(
            "cannot find {count} free ports on 127.0.0.1 from {FIRST} to {LAST}"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::free;

    #[test]
    fn free_ports_differ_and_can_be_bound() -> Result<(), String> {
        let mut ports = free(8)?;
        for &port in &ports {
            std::net::TcpListener::bind(("127.0.0.1", port)).map_err(|e| e.to_string())?;
        }
        ports.sort_unstable();
        assert!(ports.windows(2).all(|pair| pair[0] < pair[1]), "{ports:?}");
        Ok(())
    }
}
