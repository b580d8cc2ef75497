//! How many connections there may be, in all and for each address.

use core::net::IpAddr;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Most connections at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GateLimits {
    /// Of all clients.
    pub total: usize,
    /// Of one address.
    pub per_address: usize,
    /// Beyond these: connections that are only told that the server is full. All others are closed without a word.
    pub refusals: usize,
    /// Of them, those of one address.
    pub refusals_per_address: usize,
}

impl Default for GateLimits {
    fn default() -> Self {
        Self { total: 1024, per_address: 64, refusals: 32, refusals_per_address: 4 }
    }
}

/// Counts connections; one gate is shared by all listeners. Clones count together.
#[derive(Clone, Debug)]
pub struct Gate {
    limits: GateLimits,
    counts: Arc<Mutex<Counts>>,
}

#[derive(Debug, Default)]
struct Counts {
    admitted: Places,
    turned_away: Places,
}

#[derive(Debug, Default)]
struct Places {
    total: usize,
    by_address: HashMap<IpAddr, usize>,
}

impl Places {
    fn take(&mut self, address: IpAddr, total: usize, per_address: usize) -> Result<(), Full> {
        if self.total >= total {
            return Err(Full::Total { allowed: total });
        }
        let of_address = self.by_address.get(&address).copied().unwrap_or(0);
        if of_address >= per_address {
            return Err(Full::Address { address, allowed: per_address });
        }
        self.total += 1;
        self.by_address.insert(address, of_address + 1);
        Ok(())
    }

    fn give_back(&mut self, address: IpAddr) {
        self.total = self.total.saturating_sub(1);
        if let Some(of_address) = self.by_address.get_mut(&address) {
            *of_address = of_address.saturating_sub(1);
            if *of_address == 0 {
                self.by_address.remove(&address);
            }
        }
    }
}

/// Why a connection is not admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Full {
    /// There are as many connections as are allowed.
    #[error("{allowed} connections are open, which is the limit")]
    Total {
        /// The limit.
        allowed: usize,
    },
    /// The address has as many connections as are allowed.
    #[error("{address} has {allowed} connections, which is the limit of one address")]
    Address {
        /// The address.
        address: IpAddr,
        /// The limit.
        allowed: usize,
    },
}

impl Gate {
    /// A gate without connections.
    #[must_use]
    pub fn new(limits: GateLimits) -> Self {
        Self { limits, counts: Arc::default() }
    }

    /// Counts a connection as long as the permit lives. An IPv4 address mapped to IPv6 counts as IPv4.
    ///
    /// # Errors
    /// The limit that is reached.
    pub fn admit(&self, ip: IpAddr) -> Result<Permit, Full> {
        let address = ip.to_canonical();
        self.counts().admitted.take(address, self.limits.total, self.limits.per_address)?;
        Ok(Permit { gate: self.clone(), address, is_admitted: true })
    }

    /// Counts a connection that was not admitted and shall be told so, as long as the permit lives; `None` if there are as
    /// many of them, in all or of its address, as are allowed.
    #[must_use]
    pub fn turn_away(&self, ip: IpAddr) -> Option<Permit> {
        let address = ip.to_canonical();
        let GateLimits { refusals, refusals_per_address, .. } = self.limits;
        self.counts().turned_away.take(address, refusals, refusals_per_address).ok()?;
        Some(Permit { gate: self.clone(), address, is_admitted: false })
    }

    /// How many connections are open; those that are [turned away](Self::turned_away) do not count.
    #[must_use]
    pub fn open(&self) -> usize {
        self.counts().admitted.total
    }

    /// How many connections are being told that they were not admitted.
    #[must_use]
    pub fn turned_away(&self) -> usize {
        self.counts().turned_away.total
    }

    /// The counts hold after every statement above, so a panic elsewhere does not spoil them.
    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place of one connection; dropping it gives the place back.
#[derive(Debug)]
#[must_use = "dropping the permit gives the place back"]
pub struct Permit {
    gate: Gate,
    address: IpAddr,
    /// else it is turned away
    is_admitted: bool,
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut counts = self.gate.counts();
        let places = if self.is_admitted { &mut counts.admitted } else { &mut counts.turned_away };
        places.give_back(self.address);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn the_limit_of_an_address_counts_mapped_addresses_as_ipv4() {
        let gate = Gate::new(GateLimits { total: 3, per_address: 1, ..GateLimits::default() });
        let first = gate.admit(ip("192.0.2.1")).unwrap();
        let refused = gate.admit(ip("::ffff:192.0.2.1")).unwrap_err();
        assert_eq!(refused, Full::Address { address: ip("192.0.2.1"), allowed: 1 });
        let other = gate.admit(ip("2001:db8::1")).unwrap();
        drop(first);
        let again = gate.admit(ip("::ffff:192.0.2.1")).unwrap();
        assert_eq!(gate.open(), 2);
        drop((other, again));
        assert_eq!(gate.open(), 0);
        assert!(gate.counts().admitted.by_address.is_empty());
    }

    #[test]
    fn the_limit_in_all_holds_for_every_clone_of_the_gate() {
        let gate = Gate::new(GateLimits { total: 2, per_address: 2, ..GateLimits::default() });
        let listener = gate.clone();
        let held = (gate.admit(ip("192.0.2.1")).unwrap(), listener.admit(ip("192.0.2.2")).unwrap());
        assert_eq!(gate.admit(ip("192.0.2.3")).unwrap_err(), Full::Total { allowed: 2 });
        drop(held);
        assert!(listener.admit(ip("192.0.2.3")).is_ok());
    }

    #[test]
    fn those_that_are_turned_away_are_few_and_take_no_place() {
        let limits = GateLimits { total: 1, per_address: 1, refusals: 2, refusals_per_address: 2 };
        let (gate, address) = (Gate::new(limits), ip("192.0.2.1"));
        let held = gate.admit(address).unwrap();
        let (first, second) = (gate.turn_away(address).unwrap(), gate.clone().turn_away(address).unwrap());
        assert!(gate.turn_away(ip("192.0.2.2")).is_none());
        assert_eq!((gate.open(), gate.turned_away()), (1, 2));
        drop(held);
        assert!(gate.open() == 0 && gate.admit(address).is_ok());
        drop(first);
        assert!(gate.turn_away(address).is_some());
        drop(second);
        assert_eq!(gate.turned_away(), 0);
        assert!(gate.counts().turned_away.by_address.is_empty());
    }

    #[test]
    fn one_address_leaves_places_of_refusals_to_others() {
        let gate = Gate::new(GateLimits { total: 0, ..GateLimits::default() });
        let GateLimits { refusals, refusals_per_address, .. } = GateLimits::default();
        let address = ip("192.0.2.1");
        let held: Vec<_> = (0..refusals).map_while(|_| gate.turn_away(address)).collect();
        assert!(held.len() == refusals_per_address && refusals_per_address < refusals);
        assert!(gate.turn_away(ip("::ffff:192.0.2.1")).is_none(), "the same address");
        let other = gate.turn_away(ip("192.0.2.2")).unwrap();
        drop(held);
        assert!(gate.turn_away(address).is_some());
        drop(other);
        assert_eq!(gate.turned_away(), 0);
    }
}
