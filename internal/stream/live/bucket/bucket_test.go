package bucket_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
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
	"github.com/rootkeep/rootkeep/internal/stream/live/bucket"
	"github.com/rootkeep/rootkeep/internal/stream/live/object"
)

type world struct {
	*simtest.Logged
	t    *testing.T
	shut error // why there are no credentials
}

func (w *world) open(context.Context) (object.Credentials, error) {
	if w.shut != nil {
		return nil, w.shut
	}
	return func(_ context.Context, region string) (aws.Config, error) {
		return aws.Config{
			Region: region, BaseEndpoint: aws.String("http://simulated.example"), HTTPClient: &http.Client{Transport: simtest.Direct{Cloud: w.Cloud}},
			Credentials: credentials.NewStaticCredentialsProvider(w.Key.ID, w.Key.Secret, ""),
		}, nil
	}, nil
}

func (w *world) source(change func(*bucket.Config)) *bucket.Source {
	w.t.Helper()
	c := bucket.Config{Name: "trail", Bucket: simtest.Bucket, Region: "us-east-1", Open: w.open, Now: time.Now}
	if change != nil {
		change(&c)
	}
	s, err := bucket.New(c)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

// put leaves a log file of a minute with one sign-in of root from 198.51.100.n.
func (w *world) put(folder, account, region string, minute time.Time, n int) {
	w.t.Helper()
	var z bytes.Buffer
	g := gzip.NewWriter(&z)
	fmt.Fprintf(g, `{"Records":[{"eventID":"e%d","eventName":"ConsoleLogin","userIdentity":{"type":"Root"},"sourceIPAddress":"198.51.100.%d","recipientAccountId":%q}]}`, n, n, account)
	if err := g.Close(); err != nil {
		w.t.Fatal(err)
	}
	minute = minute.UTC()
	key := fmt.Sprintf("%s%s/CloudTrail/%s/%s/%s_CloudTrail_%s_%s_file%012d.json.gz", folder, account, region, minute.Format("2006/01/02"), account, region, minute.Format("20060102T1504Z"), n)
	w.Must("s3", "PutObject", map[string]any{"Bucket": simtest.Bucket, "Key": key, "Body": z.Bytes()})
}

// taker keeps the sign-ins in the order in which they came, and the last mark.
type taker struct {
	got  []string
	lost []string
	mark []byte
	fail error // before the mark is kept
}

func (k *taker) take(ctx context.Context, d live.Delivery) error {
	if d.Lost != "" {
		k.lost = append(k.lost, d.Input.Name+": "+d.Lost)
	}
	if d.Input.Open != nil {
		fields, err := trail.CompileFields([]string{"sourceIPAddress", "userIdentity.type", "recipientAccountId", "eventName"})
		if err != nil {
			return err
		}
		stats := trail.NewReader(fields, trail.Options{}).Read(ctx, d.Input, func(r *trail.Record) error {
			if string(r.View.Text(1)) == "Root" && string(r.View.Text(3)) == "ConsoleLogin" {
				k.got = append(k.got, strings.TrimPrefix(string(r.View.Text(0)), "198.51.100.")+" "+string(r.View.Text(2)))
			}
			return nil
		})
		if len(stats.Problems) > 0 {
			k.lost = append(k.lost, fmt.Sprint(d.Input.Name, stats.Problems))
		}
	}
	if k.fail != nil {
		return k.fail
	}
	if len(d.Mark) > 64<<10 {
		return errors.New("a mark that is too large")
	}
	k.mark = d.Mark
	return nil
}

func (k *taker) sorted() []string { return slices.Sorted(slices.Values(k.got)) }

func run(t *testing.T, s *bucket.Source, k *taker, d time.Duration) error {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), d)
	defer stop()
	return s.Run(ctx, k.mark, k.take)
}

func within(t *testing.T, test func(*testing.T, *world)) {
	synctest.Test(t, func(t *testing.T) { test(t, &world{Logged: simtest.NewLogged(t), t: t}) })
}

const (
	own    = "111122223333"
	other  = "444455556666"
	single = "AWSLogs/"
)

// The trail of an organization, as CloudTrail delivers it.
func TestAnOrganizationsTrailIsReadOnce(t *testing.T) {
	within(t, func(t *testing.T, w *world) {
		s, k := w.source(nil), &taker{}
		go func() {
			time.Sleep(time.Minute)
			w.RootSignsIn(simtest.Management, 1)
			time.Sleep(30 * time.Minute)
			w.RootSignsIn(simtest.Member, 2)
			w.RootSignsIn(simtest.Management, 3)
		}()
		if err := run(t, s, k, 2*time.Hour); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want the end of the context", err)
		}
		if diff := cmp.Diff([]string{"1 " + own, "2 " + other, "3 " + own}, k.sorted()); diff != "" || len(k.lost) > 0 {
			t.Errorf("sign-ins (-want +got), lost %v:\n%s", k.lost, diff)
		}
		h := s.Health()
		if h.Fault != "" || h.Heard.IsZero() || h.Last.IsZero() {
			t.Errorf("got health %+v", h)
		}
		if len(h.Places) < 2 || h.Places[0].Account != own || h.Places[len(h.Places)-1].Account != other || h.Places[0].Last.IsZero() {
			t.Errorf("got places %+v, want both accounts", h.Places)
		}
	})
}

func TestFilesComeOnceHoweverLateTheyWerePut(t *testing.T) {
	within(t, func(t *testing.T, w *world) {
		begun := time.Now()
		w.put(single, own, "us-east-1", begun.Add(-5*time.Minute), 1)
		w.put(single, own, "eu-west-1", begun.Add(-80*time.Hour), 2) // older than is looked for
		w.put("p/AWSLogs/", own, "us-east-1", begun, 3)              // of another trail
		s, k := w.source(nil), &taker{}
		go func() {
			time.Sleep(20 * time.Minute)
			w.put(single, own, "us-east-1", time.Now().Add(-55*time.Minute), 4)
			w.put(single, own, "us-east-1", time.Now().Add(-20*time.Hour), 5)         // the hourly look finds it
			w.put(single, own, "eu-west-1", time.Now(), 6)                            // a Region that is new
			w.put("AWSLogs/o-a1b2c3d4e5/", other, "us-east-1", time.Now(), 7)         // an account that is new
			w.put(single, own, "us-east-1", time.Now().Add(-5*time.Minute), 8)        //
			time.Sleep(23*time.Hour + 41*time.Minute)                                 // the day ends
			w.put(single, own, "us-east-1", time.Now().Add(-2*time.Minute), 9)        //
			w.put(single, "999999999999", "us-east-1", time.Now(), 10)                // an account that is not named
			w.put("AWSLogs/x/", own, "us-east-1", time.Now().Add(-2*time.Minute), 11) // no layout
		}()
		s = w.source(func(c *bucket.Config) {
			c.Every, c.Accounts = 5*time.Minute, []rootkeep.AccountID{own, other}
		})
		_ = run(t, s, k, 26*time.Hour)
		want := []string{"1 " + own, "4 " + own, "5 " + own, "6 " + own, "7 " + other, "8 " + own, "9 " + own}
		if diff := cmp.Diff(want, k.sorted()); diff != "" || len(k.lost) > 0 {
			t.Errorf("sign-ins (-want +got), lost %v:\n%s", k.lost, diff)
		}
	})
}

func TestARoundOfAQuietBucketIsACallForEachPlace(t *testing.T) {
	within(t, func(t *testing.T, w *world) {
		for n := range 4 {
			for back := range 30 {
				w.put(single, fmt.Sprintf("%012d", n+1), "us-east-1", time.Now().Add(-time.Duration(back)*40*time.Minute), n*30+back)
			}
		}
		s, k := w.source(nil), &taker{}
		_ = run(t, s, k, 30*time.Second)
		if len(k.got) != 120 {
			t.Fatalf("got %d sign-ins, want 120", len(k.got))
		}
		w.ResetRequests()
		ctx, stop := context.WithCancel(t.Context())
		go func() { time.Sleep(30*time.Second + 5*time.Minute); stop() }()
		_ = s.Run(ctx, k.mark, k.take)
		listed, fetched := 0, 0
		for _, r := range w.Requests() {
			switch r.Operation {
			case "ListObjectsV2":
				listed += r.Calls
			case "GetObject":
				fetched += r.Calls
			}
		}
		// The first round looks for accounts, one call for all and one for each; four accounts in six rounds.
		if listed > 5+4*6+8 || len(k.got) > 120+fetched {
			t.Errorf("got %d listings in six rounds of four accounts, %d objects read", listed, fetched)
		}
	})
}

func TestASourceGoesOnFromItsMark(t *testing.T) {
	within(t, func(t *testing.T, w *world) {
		w.put(single, own, "us-east-1", time.Now(), 1)
		k := &taker{}
		_ = run(t, w.source(nil), k, 2*time.Minute)
		first := len(k.got)
		time.Sleep(3 * time.Hour)
		w.put(single, own, "us-east-1", time.Now().Add(-2*time.Hour), 2) // late, while nobody reads
		w.put(single, other, "us-east-1", time.Now().Add(-time.Minute), 3)
		time.Sleep(time.Hour)
		k.fail = errors.New("killed between take and mark")
		if err := run(t, w.source(nil), k, time.Minute); !errors.Is(err, k.fail) {
			t.Errorf("got %v, want the taker's error", err)
		}
		k.fail, k.got = nil, nil
		_ = run(t, w.source(nil), k, 2*time.Minute)
		got := k.sorted()
		if first != 1 || !slices.Contains(got, "2 "+own) || !slices.Contains(got, "3 "+other) {
			t.Errorf("got %d at first and %v, want 1, then what came meanwhile", first, got)
		}
	})
}

func TestANewSourceBeginsAsFarBackAsItIsTold(t *testing.T) {
	within(t, func(t *testing.T, w *world) {
		begun := time.Now()
		for day := range 6 {
			w.put(single, own, "us-east-1", time.Now(), day)
			if day < 5 {
				time.Sleep(24 * time.Hour)
			}
		}
		k := &taker{}
		s := w.source(func(c *bucket.Config) { c.Begin = time.Since(begun) - 36*time.Hour })
		_ = run(t, s, k, time.Minute)
		want := []string{"2 " + own, "3 " + own, "4 " + own, "5 " + own}
		if diff := cmp.Diff(want, k.got); diff != "" {
			t.Errorf("sign-ins in order (-want +got):\n%s", diff)
		}
	})
}

func deny(what string) string {
	return fmt.Sprintf(`{"Effect":"Deny","Principal":"*","Action":["s3:GetObject","s3:ListBucket"],"Resource":"arn:aws:s3:::%s%s"}`, simtest.Bucket, what)
}

func TestABucketThatRefusesLosesNothing(t *testing.T) {
	for _, what := range []string{"", "/*"} {
		within(t, func(t *testing.T, w *world) {
			w.put(single, own, "us-east-1", time.Now(), 1)
			w.Let("cloudtrail.amazonaws.com", deny(what))
			s, k := w.source(nil), &taker{}
			_ = run(t, s, k, 3*time.Hour)
			if h := s.Health(); !strings.Contains(h.Fault, "AccessDenied") || len(k.got) > 0 || len(k.lost) > 0 {
				t.Errorf("%q: got fault %q, %v, lost %v", what, h.Fault, k.got, k.lost)
			}
			w.Let("cloudtrail.amazonaws.com")
			_ = run(t, s, k, 10*time.Minute)
			if h := s.Health(); h.Fault != "" || !slices.Equal(k.got, []string{"1 " + own}) {
				t.Errorf("%q: got fault %q, %v, want the sign-in", what, h.Fault, k.got)
			}
		})
	}
}

func TestAnObjectThatIsRefusedIsGivenUpOnceOthersAreRead(t *testing.T) {
	within(t, func(t *testing.T, w *world) {
		w.Let("cloudtrail.amazonaws.com", deny("/*"))
		w.put(single, own, "eu-west-1", time.Now(), 1)
		s, k := w.source(nil), &taker{}
		_ = run(t, s, k, time.Hour)
		if len(k.lost) > 0 || !strings.Contains(s.Health().Fault, own+"/eu-west-1: object") || len(k.got) > 0 {
			t.Errorf("got lost %v, fault %q, want none lost while nothing is read", k.lost, s.Health().Fault)
		}
		w.Let("cloudtrail.amazonaws.com", deny("/AWSLogs/"+own+"/CloudTrail/eu-west-1/*"))
		w.put(single, own, "us-east-1", time.Now(), 2)
		_ = run(t, s, k, time.Hour)
		if len(k.lost) != 1 || !strings.Contains(k.lost[0], "AccessDenied") || !slices.Equal(k.got, []string{"2 " + own}) || s.Health().Fault != "" {
			t.Errorf("got lost %v, %v, fault %q, want the object lost", k.lost, k.got, s.Health().Fault)
		}
	})
}

func TestCredentialsThatComeLater(t *testing.T) {
	within(t, func(t *testing.T, w *world) {
		w.put(single, own, "us-east-1", time.Now(), 1)
		w.shut = errors.New("sign in again")
		s, k := w.source(nil), &taker{}
		_ = run(t, s, k, 10*time.Minute)
		if h := s.Health(); !strings.Contains(h.Fault, "sign in again") || !h.Heard.IsZero() {
			t.Errorf("got health %+v", h)
		}
		w.shut = nil
		w.AddFault(cloud.Fault{Kind: cloud.Broken, Service: "s3", Operation: "ListObjectsV2"})
		_ = run(t, s, k, 10*time.Minute)
		if h := s.Health(); h.Fault == "" {
			t.Error("got no fault of a service that is broken")
		}
		w.ClearFaults()
		_ = run(t, s, k, 10*time.Minute)
		if h := s.Health(); h.Fault != "" || len(k.got) != 1 {
			t.Errorf("got fault %q, %v", h.Fault, k.got)
		}
	})
}

func TestOnlyTheOperationsThatAreNamedAreCalled(t *testing.T) {
	within(t, func(t *testing.T, w *world) {
		w.put(single, own, "us-east-1", time.Now(), 1)
		w.ResetRequests()
		_ = run(t, w.source(nil), &taker{}, time.Minute)
		called := map[string]bool{}
		for _, r := range w.Requests() {
			called[r.Service+":"+strings.Replace(r.Operation, "ListObjectsV2", "ListBucket", 1)] = true
		}
		want := map[string]bool{}
		for _, o := range bucket.Operations() {
			want[o] = true
		}
		if diff := cmp.Diff(want, called); diff != "" {
			t.Errorf("operations (-want +got):\n%s", diff)
		}
	})
}

func TestNothingRunsOnceTheSourceEnded(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	w := &world{Logged: simtest.NewLogged(t), t: t}
	w.put(single, own, "us-east-1", time.Now(), 1)
	taken := errors.New("taken")
	if err := w.source(nil).Run(t.Context(), nil, func(context.Context, live.Delivery) error { return taken }); !errors.Is(err, taken) {
		t.Errorf("got %v, want the taker's error", err)
	}
}

func TestWhatCannotBeListedIsRefused(t *testing.T) {
	open := func(context.Context) (object.Credentials, error) { return nil, nil }
	good := bucket.Config{Name: "b", Bucket: "logs", Region: "eu-west-1", Open: open, Now: time.Now}
	for name, change := range map[string]func(*bucket.Config){
		"no name":         func(c *bucket.Config) { c.Name = "" },
		"a URL":           func(c *bucket.Config) { c.Bucket = "s3://logs" },
		"no Region":       func(c *bucket.Config) { c.Region = "" },
		"a long prefix":   func(c *bucket.Config) { c.Prefix = strings.Repeat("x", 201) },
		"years of begin":  func(c *bucket.Config) { c.Begin = 10_000 * time.Hour },
		"a negative time": func(c *bucket.Config) { c.Every = -1 },
	} {
		c := good
		if change(&c); c.Name == good.Name {
			if _, err := bucket.New(good); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := bucket.New(c); err == nil {
			t.Errorf("%s: got a source, want a refusal", name)
		}
	}
	s, err := bucket.New(good)
	if err != nil {
		t.Fatal(err)
	}
	for _, mark := range []string{"x", "{}", `{"since":"2026-11-27T10:00:00Z"}`} {
		if err := s.Run(t.Context(), []byte(mark), nil); err == nil || !strings.Contains(err.Error(), "mark") {
			t.Errorf("%s: got %v, want a refusal of the mark", mark, err)
		}
	}
}

// endless takes deliveries; of one account an object lasts until one of another account came.
type endless struct {
	taker
	of    string
	turns int
}

func (k *endless) take(ctx context.Context, d live.Delivery) error {
	if !strings.Contains(d.Input.Name, "/"+k.of+"/") {
		return k.taker.take(ctx, d)
	}
	return k.turn(ctx, d)
}

func (k *endless) turn(ctx context.Context, d live.Delivery) error {
	const most = 1_000_000
	if k.turns++; len(k.got) > 0 || k.turns > most || !d.Turns {
		return k.taker.take(ctx, d)
	}
	return &live.Unfinished{Next: func(ctx context.Context, mark []byte) error {
		if !bytes.Equal(mark, d.Mark) {
			k.lost = append(k.lost, "another mark")
		}
		return k.turn(ctx, d)
	}, Close: func() { k.lost = append(k.lost, "closed") }}
}

func TestALargeObjectOfOneAccountKeepsNoOtherWaiting(t *testing.T) {
	within(t, func(t *testing.T, w *world) {
		w.put(single, own, "us-east-1", time.Now().Add(-time.Minute), 1)
		w.put(single, other, "us-east-1", time.Now().Add(-time.Minute), 2)
		k := &endless{of: own}
		ctx, stop := context.WithTimeout(t.Context(), 10*time.Minute)
		defer stop()
		if err := w.source(nil).Run(ctx, nil, k.take); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"2 " + other, "1 " + own}, k.got); diff != "" || len(k.lost) > 0 || k.turns < 1 {
			t.Errorf("sign-ins (-want +got), lost %v, %d turns:\n%s", k.lost, k.turns, diff)
		}
	})
}
