use super::*;

const WRITES: Limit = Limit::Refilled { burst: 200.0, per_second: 10.0 };

fn bucket(limit: Limit) -> (Bucket, Instant) {
    let now = Instant::now();
    (Bucket::new(limit, Share::default(), now), now)
}

fn millis(bucket: &Bucket, number: u32, now: Instant) -> u128 {
    (bucket.available_at(number, now) - now).as_millis()
}

/// Takes a permit and sends the request at once.
fn request(bucket: &mut Bucket, now: Instant) -> u64 {
    bucket.refill(now);
    bucket.take(now);
    bucket.send()
}

#[test]
fn new_bucket_has_ten_permits_until_the_first_answer_shows_what_remains() {
    let (mut bucket, now) = bucket(WRITES);
    let sent: Vec<_> = (0..10).map(|_| request(&mut bucket, now)).collect();
    assert_eq!(millis(&bucket, 1, now), 100, "the eleventh waits for what comes back");
    bucket.answered(sent[0], Some(199), now);
    assert_eq!([190, 191].map(|number| millis(&bucket, number, now)), [0, 100], "nine others are in flight");
    bucket.answered(sent[9], Some(190), now);
    assert_eq!([190, 191].map(|number| millis(&bucket, number, now)), [0, 100]);
}

#[test]
fn level_falls_to_what_remains_and_is_raised_only_once() {
    let (mut bucket, now) = bucket(WRITES);
    for (remaining, expected, why) in [
        (Some(150), 150, "the first answer raises it"),
        (Some(199), 149, "another front end of Azure has another number"),
        (Some(20), 20, "another process takes permits, too"),
        (None, 19, "a provider sends headers of its own instead"),
    ] {
        let sent = request(&mut bucket, now);
        bucket.answered(sent, remaining, now);
        assert_eq!(bucket.available_within(Duration::ZERO, now), expected, "{why}");
    }
}

#[test]
fn requests_that_azure_has_not_counted_yet_lower_what_remains() {
    let (mut bucket, now) = bucket(WRITES);
    let [first, second, third] = [(); 3].map(|()| request(&mut bucket, now));
    bucket.take(now);
    bucket.answered(second, Some(100), now);
    assert_eq!(bucket.available_within(Duration::ZERO, now), 98, "one was sent later, one is still to be sent");
    bucket.give_back();
    bucket.answered(first, Some(101), now);
    bucket.unanswered(third);
    assert_eq!(bucket.available_within(Duration::ZERO, now), 99);
}

#[test]
fn permits_come_back_up_to_the_size_of_the_bucket() {
    let (mut bucket, now) = bucket(WRITES);
    let sent = request(&mut bucket, now);
    bucket.answered(sent, Some(0), now);
    for (seconds, expected) in [(1, 10), (5, 50), (4, 50), (20, 200), (1_000_000, 200)] {
        bucket.refill(now + Duration::from_secs(seconds));
        assert_eq!(bucket.available_within(Duration::ZERO, now), expected, "{seconds} s");
    }
}

#[test]
fn share_leaves_the_rest_to_others() {
    let now = Instant::now();
    let limit = Limit::Refilled { burst: 100.0, per_second: 5.0 };
    let mut bucket = Bucket::new(limit, "0.5".parse().expect("a share"), now);
    let sent = request(&mut bucket, now);
    bucket.answered(sent, Some(199), now);
    assert_eq!(bucket.available_within(Duration::ZERO, now), 99);
    assert_eq!(millis(&bucket, 100, now), 100);
}

#[test]
fn hourly_limit_begins_with_its_first_request_and_returns_as_a_whole() {
    let (mut bucket, start) = bucket(Limit::Hourly(1_200.0));
    let first = start + Duration::from_mins(10);
    let sent = request(&mut bucket, first);
    bucket.answered(sent, Some(3), first);
    assert_eq!(bucket.available_at(3, first), first);
    assert_eq!(bucket.available_at(4, first), first + HOUR);
    assert_eq!(bucket.available_at(1_204, first), first + 2 * HOUR);
    bucket.refill(first + HOUR);
    assert_eq!(bucket.available_within(Duration::ZERO, first + HOUR), 1_200);
}

#[test]
fn hourly_limit_does_not_stay_at_ten_where_no_answer_shows_what_remains() {
    let (mut bucket, now) = bucket(Limit::Hourly(1_200.0));
    let sent = request(&mut bucket, now);
    bucket.answered(sent, None, now);
    assert_eq!(bucket.available_within(Duration::ZERO, now), 1_199);
}

#[test]
fn closed_bucket_gives_nothing_and_each_second_counts_once() {
    let ((mut bucket, now), seconds) = (bucket(WRITES), Duration::from_secs);
    let mut close = |pause, at| bucket.close(seconds(pause), now + seconds(at)).as_secs();
    assert_eq!(close(10, 0), 10);
    assert_eq!(close(10, 4), 4, "six of the ten were counted before");
    assert_eq!(close(1, 5), 0);
    assert_eq!(bucket.closed_for(now + seconds(5)), Some(seconds(9)));
    assert_eq!(bucket.available_within(seconds(1), now + seconds(5)), 0);
    assert_eq!(bucket.available_at(1, now + seconds(5)), now + seconds(14));
    assert_eq!(bucket.closed_for(now + seconds(14)), None);
    assert_eq!(bucket.close(Duration::MAX, now + seconds(20)), Duration::ZERO, "no time is so far away");
}

#[test]
fn only_a_full_open_bucket_without_requests_is_idle() {
    let ((mut bucket, now), minute) = (bucket(WRITES), Duration::from_mins(1));
    let is_idle = |bucket: &mut Bucket, now| {
        bucket.refill(now);
        bucket.is_idle(now)
    };
    assert!(!is_idle(&mut bucket, now));
    assert!(is_idle(&mut bucket, now + minute));
    let sent = request(&mut bucket, now + minute);
    assert!(!is_idle(&mut bucket, now + 2 * minute), "a request is in flight");
    bucket.unanswered(sent);
    assert!(is_idle(&mut bucket, now + 2 * minute));
    bucket.close(minute, now + 2 * minute);
    assert!(!is_idle(&mut bucket, now + 2 * minute + minute / 2));
}
