use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

use super::*;
use crate::api::v1alpha1::{AttachmentStatus, RoleAssignmentStatus, RolePhase, SynapseSparkAttachmentSpec};
use crate::api::{FINALIZER, Reason, TRANSFER_TO};
use crate::planner::RoleAssignment;

mod compute {
    use super::*;

    const POOL: &str = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Synapse/workspaces/w/bigDataPools/p";

    /// An object that claims the compute `shared`. Of two, the one with the smaller age is the older.
    fn claimant(name: &str, age: i64) -> SynapseSparkAttachment {
        let mut object = SynapseSparkAttachment::new(name, SynapseSparkAttachmentSpec::default());
        let workspace = &mut object.spec.workspace;
        (workspace.subscription_id, workspace.resource_group, workspace.name) = ("s".into(), "g".into(), "ml".into());
        object.spec.compute_name = Some("shared".into());
        object.spec.resource_id = Some(POOL.into());
        object.metadata.namespace = Some("n".into());
        object.metadata.uid = Some(name.into());
        object.metadata.generation = Some(2);
        object.metadata.creation_timestamp = Some(Time(Timestamp::from_second(age).expect("a time")));
        object
    }

    fn with(mut object: SynapseSparkAttachment, change: impl FnOnce(&mut SynapseSparkAttachment)) -> SynapseSparkAttachment {
        change(&mut object);
        object
    }

    fn ready(reason: Reason, generation: i64) -> impl FnOnce(&mut SynapseSparkAttachment) {
        move |object| {
            let ready = Condition {
                type_: "Ready".into(),
                status: "False".into(),
                reason: reason.as_str().into(),
                message: String::new(),
                observed_generation: Some(generation),
                last_transition_time: Time(Timestamp::UNIX_EPOCH),
            };
            object.status = Some(AttachmentStatus { conditions: vec![ready], ..AttachmentStatus::default() });
        }
    }

    fn deleted(finalizers: &[&str]) -> impl FnOnce(&mut SynapseSparkAttachment) {
        let finalizers = finalizers.iter().map(ToString::to_string).collect();
        move |object| {
            object.metadata.deletion_timestamp = Some(Time(Timestamp::UNIX_EPOCH));
            object.metadata.finalizers = Some(finalizers);
        }
    }

    fn transferring(finalizers: &[&str]) -> impl FnOnce(&mut SynapseSparkAttachment) {
        let finalizers = finalizers.iter().map(ToString::to_string).collect();
        move |object| {
            let recipient = "0b5d1f5e-3c1c-4c55-9a4e-1f2a3b4c5d6e/team-b/older".to_owned();
            object.metadata.annotations = Some([(TRANSFER_TO.to_owned(), recipient)].into());
            object.metadata.finalizers = Some(finalizers);
        }
    }

    fn older_of(claims: &Claims, object: &SynapseSparkAttachment) -> Option<String> {
        claims.others(object).older_claimant
    }

    #[test]
    fn only_an_object_that_could_act_is_an_older_claimant() {
        let old = || claimant("older", 1);
        #[rustfmt::skip]
        let table = vec![
            ("nothing is known of it yet",         old(),                                                         true),
            ("it is attached",                     with(old(), ready(Reason::Attached, 2)),                       true),
            ("Azure is unavailable",               with(old(), ready(Reason::AzureUnavailable, 2)),               true),
            ("it is refused",                      with(old(), ready(Reason::AuthorizationFailed, 2)),                   false),
            ("it has no credential",               with(old(), ready(Reason::AuthenticationFailed, 2)),                   false),
            ("an earlier spec was refused",        with(old(), ready(Reason::AuthorizationFailed, 1)),                   true),
            ("it is suspended",                    with(old(), |object| object.spec.suspend = true),              false),
            ("its spec is invalid",                with(old(), |object| object.spec.resource_id = None),          false),
            ("it is deleted and detaches",         with(old(), deleted(&[FINALIZER])),                            true),
            ("it is deleted, others keep it",      with(old(), deleted(&["example.com/other"])),                  false),
            ("it hands its compute over",          with(old(), transferring(&[FINALIZER])),                       true),
            ("it has no compute to hand over",     with(with(old(), transferring(&[FINALIZER])), ready(Reason::InvalidSpec, 2)), false),
            ("its earlier spec was invalid",       with(with(old(), transferring(&[FINALIZER])), ready(Reason::InvalidSpec, 1)), true),
            ("it has handed its compute over",     with(old(), transferring(&[])),                                false),
            ("it is younger",                      claimant("younger-still", 9),                                  false),
            ("it claims another compute",          with(old(), |object| object.spec.compute_name = None),         false),
        ];
        let younger = claimant("younger", 5);
        for (case, other, is_older) in table {
            let claims = Claims::default();
            for object in [&younger, &other] {
                claims.take_in(None, &Event::Apply(object.clone()));
            }
            assert_eq!(older_of(&claims, &younger), is_older.then(|| "n/older".to_owned()), "{case}");
        }
    }

    #[test]
    fn an_object_that_becomes_or_ceases_to_be_the_oldest_is_requeued() {
        let claims = Claims::default();
        let (older, younger, youngest) = (claimant("older", 1), claimant("younger", 5), claimant("youngest", 7));
        let suspended = with(older.clone(), |object| object.spec.suspend = true);
        let take = |event: Event<_>| {
            claims.take_in(None, &event).to_requeue.into_iter().map(|key| key.parts().1.to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(take(Event::Apply(younger.clone())), [""; 0]);
        assert_eq!(take(Event::Apply(youngest)), [""; 0], "it does not concern an older one");
        assert_eq!(take(Event::Apply(older.clone())), ["younger"], "an older one came");
        assert_eq!(take(Event::Apply(with(older.clone(), ready(Reason::Attaching, 2)))), [""; 0], "nothing changed");
        assert_eq!(take(Event::Apply(suspended)), ["younger"], "the older cannot act any longer");
        assert_eq!(older_of(&claims, &younger), None);
        assert_eq!(take(Event::Apply(older.clone())), ["younger"], "it can again");
        assert_eq!(older_of(&claims, &younger).as_deref(), Some("n/older"));
        assert_eq!(take(Event::Apply(with(older.clone(), ready(Reason::AuthorizationFailed, 2)))), ["younger"], "it is refused");
        assert_eq!(take(Event::Apply(with(older.clone(), deleted(&[FINALIZER])))), ["younger"], "it detaches");
        assert_eq!(take(Event::Delete(older)), ["younger"], "it is gone");
        assert_eq!(take(Event::Delete(younger)), ["youngest"]);
    }

    #[test]
    fn a_list_without_the_older_claimant_requeues_the_younger() {
        let claims = Claims::default();
        let (older, younger) = (claimant("older", 1), claimant("younger", 5));
        let list = |scope, objects: &[&SynapseSparkAttachment]| {
            claims.take_in(scope, &Event::Init);
            for object in objects {
                claims.take_in(scope, &Event::InitApply((*object).clone()));
            }
            claims.take_in(scope, &Event::InitDone)
        };
        assert_eq!(list(Some("n"), &[&older, &younger]), Changes::default());
        assert_eq!(list(Some("other"), &[]), Changes::default(), "the list of another namespace says nothing of this one");
        let (gone, to_requeue) = (vec![key_of(&older)], vec![key_of(&younger)]);
        assert_eq!(list(Some("n"), &[&younger]), Changes { gone, to_requeue });
        assert_eq!(list(Some("n"), &[]).gone, [key_of(&younger)]);
        let state = claims.0.lock().expect("no holder panics");
        assert!(state.claimants.is_empty() && state.objects.is_empty() && state.listed.is_empty(), "nothing is kept: {state:?}");
    }

    #[test]
    fn the_cost_of_an_event_does_not_grow_with_the_number_of_objects() {
        let took = |objects: i64| {
            let claims = Claims::default();
            for number in 0..objects {
                let object =
                    with(claimant(&format!("o{number}"), number), |object| object.spec.compute_name = Some(format!("c{number}")));
                claims.take_in(None, &Event::Apply(object));
            }
            let changed =
                [false, true].map(|suspend| Event::Apply(with(claimant("o7", 7), |object| object.spec.suspend = suspend)));
            let measure = || {
                let begun = std::time::Instant::now();
                for event in changed.iter().cycle().take(100) {
                    claims.take_in(None, event);
                }
                begun.elapsed()
            };
            // Other programs run on this machine, too: the fastest of many runs is the cost.
            (0..20).map(|_| measure()).min().unwrap_or_default()
        };
        let (few, many) = (took(10), took(10_000));
        let bound = few * 10 + std::time::Duration::from_millis(1);
        assert!(many < bound, "100 events: {few:?} beside 10 objects, {many:?} beside 10,000");
    }
}

mod role_assignments {
    use super::*;

    fn uid(name: &str) -> String {
        format!("00000000-0000-4000-8000-{:0>12}", name.len())
    }

    /// An object whose status records one role assignment, and who created it: the object itself, another client, or unknown.
    fn object(name: &str, maker: Option<&str>) -> SynapseSparkAttachment {
        // Azure ignores the case of letters.
        let scope = if name == "maker" { "workspaces/w" } else { "workspaces/W" };
        let role = RoleAssignment { role: "r".into(), principal: "p".into(), scope: scope.into() };
        let recorded = maker.map(|maker| RoleAssignmentStatus {
            assignment_id: role.id(&uid(maker)),
            role_id: role.role.clone(),
            principal_id: role.principal.clone(),
            scope: role.scope.clone(),
            phase: RolePhase::Assigned,
            assigned_at: Some(Time(Timestamp::UNIX_EPOCH)),
            revocation_refused: false,
        });
        let mut object = SynapseSparkAttachment::new(name, SynapseSparkAttachmentSpec::default());
        object.metadata.namespace = Some("n".into());
        object.metadata.uid = Some(uid(name));
        object.status =
            Some(AttachmentStatus { role_assignments: recorded.into_iter().collect(), ..AttachmentStatus::default() });
        object
    }

    fn id_of(object: &SynapseSparkAttachment) -> String {
        object.status.as_ref().expect("it has a status").role_assignments[0].assignment_id.clone()
    }

    fn names(keys: Vec<Key>) -> Vec<String> {
        let mut names: Vec<_> = keys.into_iter().map(|key| key.parts().1.to_owned()).collect();
        names.sort();
        names
    }

    #[test]
    fn objects_that_rely_on_a_role_are_requeued_when_its_creator_revokes_it() {
        let mut of_another = object("another", Some("another"));
        if let Some(status) = of_another.status.as_mut() {
            status.role_assignments[0].principal_id = "q".into();
        }
        let mut refused = object("refused", Some("refused"));
        if let Some(status) = refused.status.as_mut() {
            let role = &mut status.role_assignments[0];
            (role.assigned_at, role.phase) = (None, RolePhase::Denied);
        }
        #[rustfmt::skip]
        let table = [
            // case                                   event                                           who is requeued
            ("the maker revoked it",                  Event::Apply(object("maker", None)),            vec!["sharer"]),
            ("the maker is gone",                     Event::Delete(object("maker", Some("maker"))),  vec!["sharer"]),
            ("the maker's status says it again",      Event::Apply(object("maker", Some("maker"))),   vec![]),
            ("a sharer no longer wants it",           Event::Apply(object("sharer", None)),           vec![]),
            ("a sharer is gone",                      Event::Delete(object("sharer", Some("maker"))), vec![]),
            ("another principal's is another",        Event::Delete(of_another.clone()),              vec![]),
            ("one that was refused is gone",          Event::Delete(refused.clone()),                 vec![]),
        ];
        for (case, event, requeued) in table {
            let claims = Claims::default();
            let all = [object("maker", Some("maker")), object("sharer", Some("maker")), of_another.clone(), refused.clone()];
            for event in all.map(Event::Apply) {
                assert_eq!(claims.take_in(None, &event).to_requeue, [], "{case}: nothing was revoked yet");
            }
            assert_eq!(names(claims.take_in(None, &event).to_requeue), requeued, "{case}");
            let pending = claims.others(&object("sharer", Some("maker"))).pending_verification;
            assert_eq!(pending.len(), requeued.len(), "{case}");
            assert!(pending.iter().all(|one| one.revoked_id == Some(id_of(&object("maker", Some("maker"))))), "{case}");
        }
    }

    #[test]
    fn objects_that_rely_on_a_role_are_requeued_when_a_list_lacks_its_creator() {
        let claims = Claims::default();
        let list = |objects: &[&SynapseSparkAttachment]| {
            let all = objects.iter().map(|object| Event::InitApply((*object).clone()));
            let events: Vec<_> = [Event::Init].into_iter().chain(all).chain([Event::InitDone]).collect();
            events.iter().flat_map(|event| names(claims.take_in(None, event).to_requeue)).collect::<Vec<_>>()
        };
        let (maker, sharer) = (object("maker", Some("maker")), object("sharer", Some("maker")));
        assert_eq!(list(&[&maker, &sharer]), [""; 0]);
        assert_eq!(list(&[&maker, &sharer]), [""; 0]);
        assert_eq!(list(&[&sharer]), ["sharer"]);
        assert_eq!(list(&[&sharer]), [""; 0], "once");
    }

    #[test]
    fn an_assignment_that_existed_before_is_verified_once_after_a_start() {
        for (phase, pending) in [(RolePhase::PreExisting, 1), (RolePhase::Assigned, 0), (RolePhase::Denied, 0)] {
            let claims = Claims::default();
            let mut sharer = object("sharer", Some("sharer"));
            if let Some(status) = sharer.status.as_mut() {
                status.role_assignments[0].phase = phase;
            }
            claims.take_in(None, &Event::InitApply(sharer.clone()));
            let found = claims.others(&sharer).pending_verification;
            assert_eq!(found.len(), pending, "{phase:?}: its creator may have revoked it before the start");
            claims.resolve(&sharer, &found);
            for event in [Event::InitApply(sharer.clone()), Event::Apply(sharer.clone())] {
                claims.take_in(None, &event);
                assert_eq!(claims.others(&sharer).pending_verification, [], "{phase:?}: once");
            }
        }
    }

    #[test]
    fn a_verification_that_arrives_during_a_reconcile_stays_pending() {
        let claims = Claims::default();
        let sharer = object("sharer", Some("maker"));
        let revoke = || {
            for event in [Event::Apply(object("maker", Some("maker"))), Event::Apply(object("maker", None))] {
                claims.take_in(None, &event);
            }
            claims.others(&sharer).pending_verification
        };
        claims.take_in(None, &Event::Apply(sharer.clone()));
        let first = revoke();
        let second = revoke();
        claims.resolve(&sharer, &first);
        assert_eq!(claims.others(&sharer).pending_verification, second);
        claims.resolve(&sharer, &second);
        assert_eq!(claims.others(&sharer).pending_verification, []);
        claims.take_in(None, &Event::Delete(sharer));
        assert!(claims.0.lock().expect("no holder panics").roles.is_empty(), "nothing is kept of who is gone");
    }
}
