//! Shares are what weights promise.

use hapax_balance::{Algorithm, Balancer, Load, PickCtx, ServerIdx, ServerSpec};
use proptest::prelude::*;

struct Idle;

impl Load for Idle {
    fn served(&self, _: ServerIdx) -> u32 {
        0
    }
    fn queued(&self, _: ServerIdx) -> u32 {
        0
    }
    fn limit(&self, _: ServerIdx) -> u32 {
        0
    }
    fn backend_served(&self) -> u32 {
        0
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn each_server_gets_its_weights_share(weights in prop::collection::vec(1u32..40, 1..12), static_map: bool) {
        let specs: Vec<_> = weights.iter().zip(1..).map(|(w, id)| ServerSpec::new(id, *w)).collect();
        let algorithm = if static_map { Algorithm::StaticRr } else { Algorithm::RoundRobin };
        let mut balancer = Balancer::new(algorithm, &specs, false);
        let ctx = PickCtx { load: &Idle, avoid: None, hash: None, random: &|| 0 };
        let mut counts = vec![0u32; weights.len()];
        for _ in 0..weights.iter().sum::<u32>() {
            counts[balancer.pick(&ctx).unwrap().0 as usize] += 1;
        }
        for (count, weight) in counts.iter().zip(&weights) {
            prop_assert!(count.abs_diff(*weight) <= u32::from(!static_map), "{:?} for {:?}", counts, weights);
        }
    }
}
