package queue_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/rootkeep/rootkeep"
	trail "github.com/rootkeep/rootkeep/cloudtrail"
	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
	"github.com/rootkeep/rootkeep/internal/awssim/simtest"
	"github.com/rootkeep/rootkeep/internal/stream/live"
	"github.com/rootkeep/rootkeep/internal/stream/live/object"
	"github.com/rootkeep/rootkeep/internal/stream/live/queue"
)

// world is a simulated organization whose trail's files are told of in a queue.
type world struct {
	*simtest.Logged
	t        *testing.T
	url, arn string
	shut     error             // why there are no credentials
	through  http.RoundTripper // nil: the organization itself
}

const (
	s3Service = "s3.amazonaws.com"
	topics    = "sns.amazonaws.com"
	rules     = "events.amazonaws.com"
)

func newWorld(t *testing.T, attributes map[string]any) *world {
	t.Helper()
	w := &world{Logged: simtest.NewLogged(t), t: t}
	w.url, w.arn = w.Queue("trail", attributes, s3Service, topics, rules)
	return w
}

func (w *world) open(context.Context) (object.Credentials, error) {
	if w.shut != nil {
		return nil, w.shut
	}
	through := w.through
	if through == nil {
		through = simtest.Direct{Cloud: w.Cloud}
	}
	return func(_ context.Context, region string) (aws.Config, error) {
		return aws.Config{
			Region: region, BaseEndpoint: aws.String("http://simulated.example"), HTTPClient: &http.Client{Transport: through},
			Credentials: credentials.NewStaticCredentialsProvider(w.Key.ID, w.Key.Secret, ""),
		}, nil
	}, nil
}

func (w *world) source(change func(*queue.Config)) *queue.Source {
	w.t.Helper()
	c := queue.Config{Name: "trail", URL: w.url, Buckets: []string{simtest.Bucket}, Receivers: 2, Open: w.open, Now: time.Now}
	if change != nil {
		change(&c)
	}
	s, err := queue.New(c)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

// direct has the bucket tell the queue.
func (w *world) direct() {
	w.notify(map[string]any{"QueueConfiguration": []any{map[string]any{"Queue": w.arn, "Event": []string{"s3:ObjectCreated:*"}}}})
}

func (w *world) notify(what map[string]any) {
	w.t.Helper()
	w.Must("s3", "PutBucketNotificationConfiguration", map[string]any{"Bucket": simtest.Bucket, "NotificationConfiguration": what})
}

// throughTopic has the bucket tell a topic, to which the queue is subscribed.
func (w *world) throughTopic(raw string) {
	w.t.Helper()
	topic := w.topic(s3Service, raw)
	w.notify(map[string]any{"TopicConfiguration": []any{map[string]any{"Topic": topic, "Event": []string{"s3:ObjectCreated:*"}}}})
}

func (w *world) topic(service, raw string) string {
	w.t.Helper()
	topic := w.Must("sns", "CreateTopic", map[string]any{"Name": "files", "Attributes": map[string]any{
		"Policy": fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":%q},"Action":"sns:Publish","Resource":"*"}]}`, service),
	}})["TopicArn"].(string)
	w.Must("sns", "Subscribe", map[string]any{"TopicArn": topic, "Protocol": "sqs", "Endpoint": w.arn, "Attributes": map[string]any{"RawMessageDelivery": raw}})
	return topic
}

// rule sends events of a pattern to a target, those of calls that only read as well.
func (w *world) rule(pattern, target string) {
	w.t.Helper()
	w.Must("events", "PutRule", map[string]any{"Name": "root", "EventPattern": pattern, "State": "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"})
	w.Must("events", "PutTargets", map[string]any{"Rule": "root", "Targets": []any{map[string]any{"Id": "queue", "Arn": target}}})
}

const ofRoot = `{"detail":{"userIdentity":{"type":["Root"]}}}`

// send puts a message of anybody into the queue.
func (w *world) send(body string) {
	w.t.Helper()
	w.Must("sqs", "SendMessage", map[string]any{"QueueUrl": w.url, "MessageBody": body})
}

// put leaves an object in the bucket.
func (w *world) put(key, body string) {
	w.t.Helper()
	w.Must("s3", "PutObject", map[string]any{"Bucket": simtest.Bucket, "Key": key, "Body": []byte(body)})
}

// left is how many messages a queue has, hidden ones among them.
func (w *world) left(url string) string {
	w.t.Helper()
	out := w.Must("sqs", "GetQueueAttributes", map[string]any{"QueueUrl": url, "AttributeNames": []string{"All"}})["Attributes"].(map[string]any)
	return fmt.Sprint(out["ApproximateNumberOfMessages"], "+", out["ApproximateNumberOfMessagesNotVisible"])
}

// taker keeps who signed in, each event once, and what was lost.
type taker struct {
	t *testing.T

	mu     sync.Mutex // guards what follows
	seen   map[string]bool
	got    []string // address and account
	twice  int
	lost   []string
	before func(live.Delivery) error // what an object needs to be taken
	at     []time.Duration           // from a sign-in to its delivery
}

func (k *taker) take(ctx context.Context, d live.Delivery) error {
	if k.before != nil && d.Input.Name != "" {
		if err := k.before(d); err != nil {
			return err
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if d.Lost != "" {
		k.lost = append(k.lost, d.Lost)
	}
	if d.Input.Open == nil {
		return nil
	}
	fields, err := trail.CompileFields([]string{"eventID", "sourceIPAddress", "userIdentity.type", "recipientAccountId", "eventName", "eventTime"})
	if err != nil {
		return err
	}
	stats := trail.NewReader(fields, trail.Options{}).Read(ctx, d.Input, func(r *trail.Record) error {
		text := func(n int) string { return string(r.View.Text(n)) }
		if text(2) != "Root" || text(4) != "ConsoleLogin" {
			return nil
		}
		if k.seen[text(0)] {
			k.twice++
			return nil
		}
		if k.seen == nil {
			k.seen = map[string]bool{}
		}
		k.seen[text(0)] = true
		k.got = append(k.got, strings.TrimPrefix(text(1), "198.51.100.")+" "+text(3))
		if at, err := time.Parse(time.RFC3339, text(5)); err == nil {
			k.at = append(k.at, d.Arrived.Sub(at))
		}
		return nil
	})
	if len(stats.Problems) > 0 {
		k.lost = append(k.lost, fmt.Sprint(d.Input.Name, stats.Problems))
	}
	return stats.Err
}

func (k *taker) sorted() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Sorted(slices.Values(k.got))
}

func run(t *testing.T, s *queue.Source, k *taker, d time.Duration) error {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), d)
	defer stop()
	return s.Run(ctx, nil, k.take)
}

func within(t *testing.T, attributes map[string]any, test func(*testing.T, *world)) {
	synctest.Test(t, func(t *testing.T) { test(t, newWorld(t, attributes)) })
}

// Each way from a sign-in to the queue.
func TestEveryWayToTheQueue(t *testing.T) {
	const created = `{"source":["aws.s3"],"detail-type":["Object Created"]}`
	for _, test := range []struct {
		name  string
		setUp func(*world)
		want  []string // of sign-ins of the management account and a member
		most  time.Duration
	}{
		{"notifications", func(w *world) { w.direct() }, []string{"1 111122223333", "2 444455556666"}, 10 * time.Minute},
		{"notifications through a topic", func(w *world) { w.throughTopic("false") }, []string{"1 111122223333", "2 444455556666"}, 10 * time.Minute},
		{"notifications through a topic, raw", func(w *world) { w.throughTopic("true") }, []string{"1 111122223333", "2 444455556666"}, 10 * time.Minute},
		{"objects by EventBridge", func(w *world) {
			w.notify(map[string]any{"EventBridgeConfiguration": map[string]any{}})
			w.rule(created, w.arn)
		}, []string{"1 111122223333", "2 444455556666"}, 10 * time.Minute},
		{"objects by EventBridge and a topic", func(w *world) {
			w.notify(map[string]any{"EventBridgeConfiguration": map[string]any{}})
			w.rule(created, w.topic(rules, "false"))
		}, []string{"1 111122223333", "2 444455556666"}, 10 * time.Minute},
		{"events by EventBridge", func(w *world) { w.rule(ofRoot, w.arn) }, []string{"1 111122223333"}, 2 * time.Second},
		{"events by EventBridge and a topic", func(w *world) { w.rule(ofRoot, w.topic(rules, "false")) }, []string{"1 111122223333"}, 2 * time.Second},
		{"events by EventBridge and a topic, raw", func(w *world) { w.rule(ofRoot, w.topic(rules, "true")) }, []string{"1 111122223333"}, 2 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			within(t, nil, func(t *testing.T, w *world) {
				test.setUp(w)
				s, k := w.source(nil), &taker{t: t}
				go func() {
					time.Sleep(time.Minute)
					w.RootSignsIn(simtest.Management, 1)
					w.RootSignsIn(simtest.Member, 2)
				}()
				if err := run(t, s, k, time.Hour); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("got %v, want the end of the context", err)
				}
				if diff := cmp.Diff(test.want, k.sorted()); diff != "" || k.twice > 0 || len(k.lost) > 0 {
					t.Errorf("sign-ins (-want +got), %d twice, lost %v:\n%s", k.twice, k.lost, diff)
				}
				for _, d := range k.at {
					if d > test.most {
						t.Errorf("a sign-in came after %s, want at most %s", d, test.most)
					}
				}
				h := s.Health()
				if h.Fault != "" || h.Heard.IsZero() || h.Last.IsZero() || w.left(w.url) != "0+0" {
					t.Errorf("got health %+v, %s messages left, want none", h, w.left(w.url))
				}
				if !slices.ContainsFunc(h.Places, func(p live.Place) bool {
					return p.Account == simtest.Management && p.Region == "us-east-1" && !p.Last.IsZero() && !p.Arrived.Before(p.Last)
				}) {
					t.Errorf("got places %+v, want that of the sign-in", h.Places)
				}
			})
		})
	}
}

// A call that only reads comes by EventBridge if the rule's state asks for it, and the
// deployment's rule does.
func TestCallsThatOnlyReadNeedTheRulesState(t *testing.T) {
	for state, want := range map[string]int{"ENABLED": 0, "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS": 1} {
		within(t, nil, func(t *testing.T, w *world) {
			w.rule(ofRoot, w.arn)
			w.Must("events", "PutRule", map[string]any{"Name": "root", "EventPattern": ofRoot, "State": state})
			a := w.Account(simtest.Management)
			if _, err := w.Invoke(cloud.Invocation{Caller: cloud.RootCaller(a), Region: "us-east-1", Service: "iam", Operation: "ListUsers"}); err != nil {
				t.Fatal(err)
			}
			got := w.left(w.url)
			if got != fmt.Sprintf("%d+0", want) {
				t.Errorf("%s: got %s messages, want %d", state, got, want)
			}
		})
	}
}

func TestSeveralSourcesAndReadersCountAnEventOnce(t *testing.T) {
	within(t, nil, func(t *testing.T, w *world) {
		w.direct()
		url, arn := w.Queue("events", nil, rules)
		w.rule(ofRoot, arn)
		k := &taker{t: t}
		ctx, stop := context.WithTimeout(t.Context(), time.Hour)
		defer stop()
		var all sync.WaitGroup
		for _, s := range []*queue.Source{
			w.source(nil), w.source(nil), // two servers over one queue
			w.source(func(c *queue.Config) { c.Name, c.URL, c.Buckets = "events", url, nil }),
		} {
			if !live.Shared(s).Shared() {
				t.Error("got a source that is not shared")
			}
			all.Go(func() { _ = s.Run(ctx, nil, k.take) })
		}
		var want []string
		for n := range 20 {
			w.RootSignsIn(simtest.Management, n+10)
			want = append(want, fmt.Sprintf("%d 111122223333", n+10))
			time.Sleep(time.Minute)
		}
		all.Wait()
		if diff := cmp.Diff(want, k.sorted()); diff != "" || k.twice != 20 {
			t.Errorf("sign-ins (-want +got), and %d twice, want all 20, by object and by event:\n%s", k.twice, diff)
		}
	})
}

// What is poison is told, and what is behind it comes.
func TestWhatCannotBeReadStopsNothing(t *testing.T) {
	const good = "AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/27/111122223333_CloudTrail_us-east-1_20261127T1000Z_abcdefghijklmnop.json"
	notification := func(bucket, key string) string {
		return fmt.Sprintf(`{"Records":[{"eventSource":"aws:s3","eventName":"ObjectCreated:Put","awsRegion":"us-east-1","s3":{"bucket":{"name":%q},"object":{"key":%q}}}]}`, bucket, key)
	}
	event := func(account, detail string) string {
		return fmt.Sprintf(`{"detail-type":"AWS API Call via CloudTrail","source":"aws.iam","account":%q,"region":"us-east-1","time":"2026-11-27T10:00:00Z","detail":%s}`, account, detail)
	}
	poison := []struct{ name, body, says string }{
		{"no JSON", `hello`, "no JSON"},
		{"JSON of no shape", `{"a":1}`, "neither a notification"},
		{"JSON of other types", `[1]`, "neither a notification"},
		{"records of somebody else", `{"Records":[{"eventSource":"iam.amazonaws.com","eventName":"CreateUser"}]}`, "neither a notification"},
		{"no such object", notification(simtest.Bucket, strings.Replace(good, "abcd", "none", 1)), "NoSuchKey"},
		{"a bucket that is not named", notification("somebody-elses", good), "does not name it"},
		{"a test of a bucket that is not named", `{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"somebody-elses"}`, `S3 tells of bucket "somebody-elses"`},
		{"a key of no log file", notification(simtest.Bucket, "photo.jpg"), "no log file of CloudTrail by its key"},
		{"a key that is not encoded", notification(simtest.Bucket, "AWSLogs/%zz"), "the key of an object"},
		{"an account that is not named", notification(simtest.Bucket, strings.ReplaceAll(good, "111122223333", "999999999999")), "999999999999"},
		{"an event of such an account", event("999999999999", `{"eventID":"1","eventSource":"iam.amazonaws.com"}`), "999999999999"},
		{"an event of no account", event("root", `{"eventID":"1","eventSource":"iam.amazonaws.com"}`), "account ID"},
		{"an event without a record", event("111122223333", `{}`), "no record of CloudTrail"},
		{"an event of something else", `{"detail-type":"EC2 Instance State-change Notification","source":"aws.ec2","detail":{}}`, "none of CloudTrail"},
		{"a topic that wants to be confirmed", `{"Type":"SubscriptionConfirmation","TopicArn":"arn:aws:sns:us-east-1:999999999999:x","SubscribeURL":"https://example.com","Message":"x"}`, "confirm the subscription"},
		{"a topic that says nothing", `{"Type":"Notification","TopicArn":"arn:aws:sns:us-east-1:111122223333:x","Message":"hello"}`, "from a topic"},
	}
	for _, dead := range []bool{false, true} {
		t.Run(fmt.Sprintf("dead-letter queue %v", dead), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, nil)
				var url string
				if dead {
					var arn string
					url, arn = w.Queue("unread", nil)
					w.Must("sqs", "SetQueueAttributes", map[string]any{"QueueUrl": w.url, "Attributes": map[string]any{"RedrivePolicy": fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":3}`, arn)}})
				}
				for _, p := range poison {
					w.send(p.body)
				}
				w.put(good, `{"Records":[{"eventID":"1","eventName":"ConsoleLogin","userIdentity":{"type":"Root"},"sourceIPAddress":"198.51.100.7","recipientAccountId":"111122223333"}]}`)
				w.send(notification(simtest.Bucket, good))
				s := w.source(func(c *queue.Config) { c.Accounts = []rootkeep.AccountID{simtest.Management} })
				k := &taker{t: t}
				_ = run(t, s, k, time.Minute)
				if got := k.sorted(); !slices.Equal(got, []string{"7 111122223333"}) || len(k.lost) > 0 {
					t.Errorf("got %v, lost %v within a minute, want the good object, and nothing lost so soon", got, k.lost)
				}
				if h := s.Health(); !strings.Contains(h.Fault, fmt.Sprintf("%d messages cannot be read, such as ", len(poison))) {
					t.Errorf("got fault %q, want how many messages cannot be read", h.Fault)
				}
				_ = run(t, s, k, 30*time.Minute)
				if len(k.lost) != len(poison) {
					t.Errorf("got %d lost, want %d: %q", len(k.lost), len(poison), k.lost)
				}
				for _, p := range poison {
					if !slices.ContainsFunc(k.lost, func(l string) bool { return strings.Contains(l, p.says) }) {
						t.Errorf("%s: not in what was lost: want %q", p.name, p.says)
					}
				}
				if w.left(w.url) != "0+0" || s.Health().Fault != "" {
					t.Errorf("got %s messages left, fault %q, want none", w.left(w.url), s.Health().Fault)
				}
				if dead && w.left(url) != fmt.Sprintf("%d+0", len(poison)) {
					t.Errorf("got %s messages in the dead-letter queue, want %d", w.left(url), len(poison))
				}
			})
		})
	}
}

func TestWhatIsLeftAloneIsDeleted(t *testing.T) {
	within(t, nil, func(t *testing.T, w *world) {
		for _, key := range []string{
			"AWSLogs/111122223333/CloudTrail-Digest/us-east-1/2026/11/27/x.json.gz", "AWSLogs/111122223333/CloudTrail-Insight/us-east-1/2026/11/27/x.json.gz",
			"AWSLogs/111122223333/Config/us-east-1/2026/11/27/ConfigHistory/x.json.gz", "p/AWSLogs/o-a1/111122223333/elasticloadbalancing/us-east-1/2026/11/27/x.log.gz",
			"AWSLogs/111122223333/", "AWSLogs/111122223333/CloudTrail/", // folders, as the console of S3 makes them
		} {
			w.send(fmt.Sprintf(`{"Records":[{"eventSource":"aws:s3","eventName":"ObjectCreated:Put","s3":{"bucket":{"name":%q},"object":{"key":%q}}}]}`, simtest.Bucket, key))
		}
		w.send(`{"Records":[{"eventSource":"aws:s3","eventName":"ObjectRemoved:Delete","s3":{"bucket":{"name":"x"},"object":{"key":"y"}}}]}`)
		w.send(`{"detail-type":"AWS Insight via CloudTrail","source":"aws.cloudtrail","account":"111122223333","detail":{}}`)
		w.send(fmt.Sprintf(`{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":%q}`, simtest.Bucket))
		s, k := w.source(nil), &taker{t: t}
		_ = run(t, s, k, time.Minute)
		if w.left(w.url) != "0+0" || len(k.lost) > 0 || s.Health().Fault != "" {
			t.Errorf("got %s messages left, lost %v, fault %q, want none", w.left(w.url), k.lost, s.Health().Fault)
		}
	})
}

// Whoever dies between the two hands gets the message again, and nothing is lost.
func TestWhatWasNotTakenComesAgain(t *testing.T) {
	within(t, nil, func(t *testing.T, w *world) {
		w.direct()
		w.RootSignsIn(simtest.Management, 1)
		time.Sleep(6 * time.Minute)
		k := &taker{t: t}
		ctx, kill := context.WithCancel(t.Context())
		k.before = func(live.Delivery) error { kill(); return nil } // taken, and dead before the message is deleted
		_ = w.source(nil).Run(ctx, nil, k.take)
		if got := w.left(w.url); got == "0+0" {
			t.Fatalf("got %s messages left, want those of the dead reader", got)
		}
		k.before = nil
		if err := run(t, w.source(nil), k, time.Hour); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		if diff := cmp.Diff([]string{"1 111122223333"}, k.sorted()); diff != "" || w.left(w.url) != "0+0" {
			t.Errorf("sign-ins (-want +got), %s messages left:\n%s", w.left(w.url), diff)
		}
	})
}

func TestAStoreThatIsDownTakesNoMessage(t *testing.T) {
	within(t, nil, func(t *testing.T, w *world) {
		w.direct()
		w.RootSignsIn(simtest.Management, 1)
		time.Sleep(6 * time.Minute)
		down := errors.New("the store is down")
		for range 20 {
			err := w.source(nil).Run(t.Context(), nil, func(context.Context, live.Delivery) error { return down })
			if !errors.Is(err, down) {
				t.Fatalf("got %v, want the taker's error", err)
			}
		}
		k := &taker{t: t}
		_ = run(t, w.source(nil), k, time.Minute)
		if diff := cmp.Diff([]string{"1 111122223333"}, k.sorted()); diff != "" {
			t.Errorf("sign-ins (-want +got):\n%s", diff)
		}
	})
}

func TestALongDeliveryKeepsItsMessage(t *testing.T) {
	within(t, nil, func(t *testing.T, w *world) {
		w.direct()
		w.RootSignsIn(simtest.Management, 1)
		time.Sleep(6 * time.Minute)
		k := &taker{t: t}
		k.before = func(live.Delivery) error { time.Sleep(time.Hour); return nil }
		_ = run(t, w.source(nil), k, 90*time.Minute)
		if k.twice > 0 || len(k.got) != 1 || w.left(w.url) != "0+0" {
			t.Errorf("got %v, %d twice, %s messages left, want one, once", k.got, k.twice, w.left(w.url))
		}
	})
}

// A bucket that refuses keeps its messages, however long that is, and holds up no other.
func TestABucketThatRefusesLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		dead, arn := w.Queue("unread", nil)
		w.Must("sqs", "SetQueueAttributes", map[string]any{"QueueUrl": w.url, "Attributes": map[string]any{"RedrivePolicy": fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":"2"}`, arn)}})
		w.direct()
		w.rule(ofRoot, w.arn)
		w.Let("cloudtrail.amazonaws.com", fmt.Sprintf(`{"Effect":"Deny","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::%s/*"}`, simtest.Bucket))
		w.RootSignsIn(simtest.Member, 1)
		s, k := w.source(nil), &taker{t: t}
		ctx, stop := context.WithTimeout(t.Context(), 3*time.Hour)
		defer stop()
		ended := make(chan error)
		go func() { ended <- s.Run(ctx, nil, k.take) }()
		time.Sleep(2 * time.Hour)
		w.RootSignsIn(simtest.Management, 2)
		time.Sleep(time.Minute)
		if got := k.sorted(); !slices.Equal(got, []string{"2 111122223333"}) {
			t.Errorf("got %v while the bucket refuses, want the event that needs no bucket", got)
		}
		if h := s.Health(); !strings.Contains(h.Fault, "bucket "+simtest.Bucket+" cannot be read") || !strings.Contains(h.Fault, "AccessDenied") {
			t.Errorf("got fault %q, want the bucket and why", h.Fault)
		}
		w.Let("cloudtrail.amazonaws.com")
		<-ended
		if diff := cmp.Diff([]string{"1 444455556666", "2 111122223333"}, k.sorted()); diff != "" || len(k.lost) > 0 {
			t.Errorf("sign-ins (-want +got), lost %v:\n%s", k.lost, diff)
		}
		if h := s.Health(); h.Fault != "" || w.left(w.url) != "0+0" || w.left(dead) != "0+0" {
			t.Errorf("got fault %q, %s messages left, %s in the dead-letter queue, want none", h.Fault, w.left(w.url), w.left(dead))
		}
	})
}

// One object that is refused while its bucket is read is one message, not the bucket.
func TestAnObjectThatIsRefusedIsOneMessage(t *testing.T) {
	within(t, nil, func(t *testing.T, w *world) {
		w.direct()
		w.Let("cloudtrail.amazonaws.com", fmt.Sprintf(`{"Effect":"Deny","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::%s/AWSLogs/111122223333/*"}`, simtest.Bucket))
		w.put("AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/27/x.json", `{"Records":[]}`)
		s, k := w.source(nil), &taker{t: t}
		go func() {
			for n := range 5 {
				time.Sleep(10 * time.Minute)
				w.RootSignsIn(simtest.Member, n)
			}
		}()
		_ = run(t, s, k, 2*time.Hour)
		if len(k.got) != 5 || len(k.lost) != 1 || !strings.Contains(k.lost[0], "AccessDenied") || w.left(w.url) != "0+0" {
			t.Errorf("got %d sign-ins, lost %v, %s messages left, want five, and the object lost", len(k.got), k.lost, w.left(w.url))
		}
	})
}

func TestNothingRunsOnceTheSourceEnded(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	w := newWorld(t, nil)
	w.direct()
	w.send("hello")
	ctx, stop := context.WithCancel(t.Context())
	s := w.source(nil)
	ended := make(chan error)
	go func() {
		ended <- s.Run(ctx, nil, func(context.Context, live.Delivery) error { return nil })
	}()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for begun := time.Now(); s.Health().Fault == "" && time.Since(begun) < 2*time.Minute; {
		<-tick.C
	}
	stop()
	if err := <-ended; !errors.Is(err, context.Canceled) || !strings.Contains(s.Health().Fault, "no JSON") {
		t.Errorf("got %v, fault %q, want the end of the context, and the message", err, s.Health().Fault)
	}
}

func TestAQueueThatCannotBeAskedIsAFault(t *testing.T) {
	within(t, nil, func(t *testing.T, w *world) {
		w.direct()
		w.RootSignsIn(simtest.Management, 1)
		w.shut = errors.New("sign in again")
		s, k := w.source(nil), &taker{t: t}
		_ = run(t, s, k, time.Minute)
		if h := s.Health(); !strings.Contains(h.Fault, "sign in again") || !h.Heard.IsZero() {
			t.Errorf("got health %+v, want the refusal", h)
		}
		w.shut = nil
		w.AddFault(cloud.Fault{Kind: cloud.Deny, Service: "sqs", Operation: "ReceiveMessage"})
		_ = run(t, s, k, time.Minute)
		if h := s.Health(); !strings.Contains(h.Fault, "ReceiveMessage") {
			t.Errorf("got fault %q, want the operation", h.Fault)
		}
		w.ClearFaults()
		_ = run(t, s, k, time.Hour)
		if h := s.Health(); h.Fault != "" || len(k.got) != 1 {
			t.Errorf("got fault %q, %v, want the sign-in", h.Fault, k.got)
		}
	})
}

func TestOnlyTheOperationsThatAreNamedAreCalled(t *testing.T) {
	within(t, nil, func(t *testing.T, w *world) {
		w.direct()
		w.send("hello")
		w.RootSignsIn(simtest.Management, 1)
		time.Sleep(6 * time.Minute)
		w.ResetRequests()
		_ = run(t, w.source(nil), &taker{t: t}, 4*time.Minute)
		called := map[string]bool{}
		for _, r := range w.Requests() {
			called[r.Service+":"+r.Operation] = true
		}
		want := map[string]bool{}
		for _, o := range queue.Operations() {
			want[o] = true
		}
		if diff := cmp.Diff(want, called); diff != "" {
			t.Errorf("operations (-want +got):\n%s", diff)
		}
	})
}

func TestWhatCannotBeReadIsRefused(t *testing.T) {
	open := func(context.Context) (object.Credentials, error) { return nil, nil }
	for _, test := range []struct {
		name   string
		config queue.Config
		says   string
	}{
		{"nothing", queue.Config{}, "required"},
		{"no URL", queue.Config{URL: "trail"}, "want a URL"},
		{"no account", queue.Config{URL: "https://sqs.eu-west-1.amazonaws.com/me/trail"}, "12 digits"},
		{"a queue that keeps an order", queue.Config{URL: "https://sqs.eu-west-1.amazonaws.com/111122223333/trail.fifo"}, "standard queue"},
		{"no Region", queue.Config{URL: "http://localhost:9324/111122223333/trail"}, "hint: region"},
		{"a bucket that is none", queue.Config{URL: "https://sqs.eu-west-1.amazonaws.com/111122223333/trail", Buckets: []string{"s3://logs"}}, "want the name of a bucket"},
		{"too many", queue.Config{URL: "https://sqs.eu-west-1.amazonaws.com/111122223333/trail", Receivers: 100}, "want 1 to 32"},
	} {
		if test.name != "nothing" {
			test.config.Name, test.config.Now, test.config.Open = "q", time.Now, open
		}
		if _, err := queue.New(test.config); err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: got %v, want %q", test.name, err, test.says)
		}
	}
}

// An event belongs to the account that its record names; that its envelope names another one
// is told.
func TestAnEventBelongsToTheAccountOfItsRecord(t *testing.T) {
	const (
		one, two = "111122223333", "444455556666"
		event    = `{"detail-type":"AWS Console Sign In via CloudTrail","source":"aws.signin","account":"%s","region":"us-east-1","time":"2026-11-27T10:00:00Z","detail":{"eventVersion":"1.11","eventID":"e-1","eventTime":"2026-11-27T10:00:00Z",
			"eventSource":"signin.amazonaws.com","eventName":"ConsoleLogin","awsRegion":"us-east-1","sourceIPAddress":"198.51.100.7","userIdentity":{"type":"Root","accountId":"%s"}%s}}`
		recipient = `,"recipientAccountId":"%s"`
	)
	for _, test := range []struct {
		name, envelope, caller, recipient string
		accounts                          []rootkeep.AccountID
		want                              string // whose it is; "" is nobody's
		fault                             string // part of it
	}{
		{"all agree", one, one, one, nil, one, ""},
		{"a call from another account", one, two, one, nil, one, ""},
		{"by the record, of another account", one, two, two, nil, two, "events that contradict themselves: 1, the last of them event \"e-1\": account 111122223333 by its envelope, 444455556666 by its record"},
		{"without a recipient, by the caller", one, two, "", nil, two, "events that contradict themselves: 1"},
		{"with accounts that have the envelope's alone", one, two, two, []rootkeep.AccountID{one}, "", "of account 444455556666, which accounts of this source does not name"},
		{"with accounts that have the record's alone", one, two, two, []rootkeep.AccountID{two}, "", "of account 111122223333, which accounts of this source does not name"},
		{"another recipient by a member of another case", one, one, two + `","RecipientAccountID":"` + one, nil, two, "events that contradict themselves: 1"},
		{"the same with accounts", one, one, two + `","recipientaccountid":"` + one, []rootkeep.AccountID{one}, "", "of account 444455556666, which accounts of this source does not name"},
		{"a recipient that is none", one, two, "x", nil, "", "by its record"},
	} {
		t.Run(test.name, func(t *testing.T) {
			within(t, nil, func(t *testing.T, w *world) {
				s, k := w.source(func(c *queue.Config) { c.Accounts = test.accounts }), &taker{t: t}
				more := ""
				if test.recipient != "" {
					more = fmt.Sprintf(recipient, test.recipient)
				}
				w.send(fmt.Sprintf(event, test.envelope, test.caller, more))
				if err := run(t, s, k, time.Minute); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("got %v, want the end of the context", err)
				}
				h := s.Health()
				if len(k.got) > 0 != (test.want != "") || (h.Fault == "") != (test.fault == "") || !strings.Contains(h.Fault, test.fault) {
					t.Errorf("got events %q and fault %q, want one of %q and %q", k.got, h.Fault, test.want, test.fault)
				}
				of := ""
				for _, p := range h.Places {
					of += string(p.Account)
				}
				if of != test.want {
					t.Errorf("got places in %q, want in %q", of, test.want)
				}
				if time.Sleep(25 * time.Hour); test.want != "" && s.Health().Fault != "" {
					t.Errorf("got fault %q a day later, want none", s.Health().Fault)
				}
			})
		})
	}
}

// patient takes deliveries; what is in an object named large lasts until another came.
type patient struct {
	taker
	turns atomic.Int64
	done  atomic.Bool // another came
}

func (k *patient) take(ctx context.Context, d live.Delivery) error {
	if !strings.Contains(d.Input.Name, "large") {
		err := k.taker.take(ctx, d)
		k.done.Store(k.done.Load() || d.Input.Open != nil)
		return err
	}
	return k.turn(ctx, d)
}

func (k *patient) turn(ctx context.Context, d live.Delivery) error {
	const most = 1000
	if n := k.turns.Add(1); d.Turns && n < most && !k.done.Load() {
		return &live.Unfinished{Next: func(ctx context.Context, _ []byte) error {
			time.Sleep(time.Second)
			return k.turn(ctx, d)
		}, Close: func() {}}
	}
	return k.taker.take(ctx, d)
}

func TestALargeObjectKeepsNoOtherOfItsAnswerWaiting(t *testing.T) {
	within(t, nil, func(t *testing.T, w *world) {
		w.direct()
		key := func(name string) string {
			return fmt.Sprintf("AWSLogs/%s/CloudTrail/us-east-1/2026/11/20/%[1]s_CloudTrail_us-east-1_20261120T1000Z_%s.json", simtest.Management, name)
		}
		record := `{"Records":[{"eventID":"%s","eventName":"ConsoleLogin","userIdentity":{"type":"Root"},"sourceIPAddress":"198.51.100.%d","recipientAccountId":"111122223333","eventTime":"2026-11-20T10:00:00Z"}]}`
		for i, name := range []string{"large0000000000a", "small0000000000b", "small0000000000c"} {
			w.put(key(name), fmt.Sprintf(record, name, i))
		}
		k := &patient{taker: taker{t: t, seen: map[string]bool{}}}
		ctx, stop := context.WithTimeout(t.Context(), 20*time.Minute)
		defer stop()
		s := w.source(func(c *queue.Config) { c.Receivers = 1 })
		if err := s.Run(ctx, nil, k.take); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		k.mu.Lock()
		defer k.mu.Unlock()
		if len(k.got) != 3 || !strings.HasPrefix(k.got[0], "1 ") || k.turns.Load() > 100 || len(k.lost) > 0 {
			t.Errorf("got %q after %d turns, lost %q, want a small one first, and all three", k.got, k.turns.Load(), k.lost)
		}
		if left := w.left(w.url); left != "0+0" {
			t.Errorf("%s messages are left", left)
		}
	})
}
