package lookup_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep"
	trail "github.com/rootkeep/rootkeep/cloudtrail"
	"github.com/rootkeep/rootkeep/internal/awssim"
	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
	"github.com/rootkeep/rootkeep/internal/stream/live"
	"github.com/rootkeep/rootkeep/internal/stream/live/lookup"
)

// world is a simulated account whose event history tells an event only once it is old
// enough. It answers without a network, so that the test's clock stands still meanwhile.
type world struct {
	*cloud.Cloud
	account *cloud.Account
	key     *cloud.AccessKey
	shut    error // why there are no credentials

	mu    sync.Mutex // guards what follows
	late  func(name string) time.Duration
	calls []time.Time

	nameless bool // events have no ID
}

func newWorld(t *testing.T) *world {
	t.Helper()
	c, err := awssim.New(cloud.Config{Clock: time.Now, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{Cloud: c, late: func(string) time.Duration { return 0 }}
	if w.account, err = c.AddAccount("111122223333", "keep", "keep@example.com", time.Now().AddDate(-1, 0, 0)); err != nil {
		t.Fatal(err)
	}
	u := &cloud.User{Holder: cloud.Holder{
		Name: "admin", Path: "/", ID: c.UniqueID("AIDA"), ARN: w.account.IAM("user/admin"), Created: time.Now(), Inline: map[string]string{},
		Attached: []string{"arn:aws:iam::aws:policy/AdministratorAccess"},
	}}
	w.account.Users["admin"] = u
	w.key = c.NewKey(cloud.UserCaller(w.account, u), time.Now())
	u.Keys = []*cloud.AccessKey{w.key}
	return w
}

// RoundTrip asks the simulator and leaves out what it tells too early.
func (w *world) RoundTrip(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls = append(w.calls, time.Now())
	recorder := httptest.NewRecorder()
	in := r.Clone(r.Context()) // as a server has it
	in.Host, in.RequestURI = r.URL.Host, r.URL.RequestURI()
	w.ServeHTTP(recorder, in)
	answer := recorder.Result()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, err
	}
	var out map[string]any
	if json.Unmarshal(body, &out) == nil {
		var told []any
		events, _ := out["Events"].([]any)
		for _, e := range events {
			seconds, _ := e.(map[string]any)["EventTime"].(float64)
			name, _ := e.(map[string]any)["EventName"].(string)
			if w.nameless {
				delete(e.(map[string]any), "EventId")
			}
			if time.Since(time.Unix(int64(seconds), 0)) >= w.late(name) {
				told = append(told, e)
			}
		}
		out["Events"] = told
		if body, err = json.Marshal(out); err != nil {
			return nil, err
		}
	}
	answer.Body, answer.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	answer.Header.Del("X-Amz-Crc32")
	return answer, nil
}

// Config are the keys of an administrator, of the account that there is.
func (w *world) Config(_ context.Context, account rootkeep.AccountID, region, _ string) (aws.Config, error) {
	if account != w.account.ID {
		return aws.Config{}, errors.New("no role to enter")
	}
	return aws.Config{
		Region: region, BaseEndpoint: aws.String("http://simulated.example"), HTTPClient: &http.Client{Transport: w},
		Credentials: credentials.NewStaticCredentialsProvider(w.key.ID, w.key.Secret, ""),
	}, nil
}

func (w *world) open(context.Context) (lookup.Sessions, error) {
	if w.shut != nil {
		return nil, w.shut
	}
	return w, nil
}

func (w *world) source(t *testing.T, places ...lookup.Place) *lookup.Source {
	t.Helper()
	s, err := lookup.New(lookup.Config{Name: "history", Places: places, Open: w.open, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// signIn is one of root, n-th of the test.
func (w *world) signIn(n int) {
	w.SignIn(cloud.RootCaller(w.account), "us-east-1", fmt.Sprintf("198.51.100.%d", n), "browser", true, true)
}

// taker keeps addresses of the sign-ins that were delivered, and the last mark.
type taker struct {
	t     *testing.T
	got   []string
	marks int
	mark  []byte
	fail  error
	names map[string]bool // of deliveries
}

func (k *taker) take(ctx context.Context, d live.Delivery) error {
	if d.Input.Open != nil {
		if k.names == nil {
			k.names = map[string]bool{}
		}
		k.names[d.Input.Name] = true
		fields, err := trail.CompileFields([]string{"eventName", "sourceIPAddress", "userIdentity.type"})
		if err != nil {
			return err
		}
		stats := trail.NewReader(fields, trail.Options{}).Read(ctx, d.Input, func(r *trail.Record) error {
			if string(r.View.Text(0)) == "ConsoleLogin" && string(r.View.Text(2)) == "Root" {
				k.got = append(k.got, strings.TrimPrefix(string(r.View.Text(1)), "198.51.100."))
			}
			return nil
		})
		if len(stats.Problems) > 0 || stats.Container != trail.LookupEvents {
			k.t.Errorf("got container %q, problems %v", stats.Container, stats.Problems)
		}
	}
	if k.fail != nil {
		return k.fail
	}
	k.marks++
	k.mark = d.Mark
	return nil
}

func run(t *testing.T, s *lookup.Source, k *taker, d time.Duration) error {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), d)
	defer stop()
	return s.Run(ctx, k.mark, k.take)
}

var home = lookup.Place{Account: "111122223333", Region: "us-east-1"}

func TestEventsComeOnceHoweverLateAWSTellsThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.late = func(string) time.Duration { return 12 * time.Minute }
		w.signIn(1)
		s, k := w.source(t, home), &taker{t: t}
		go func() {
			for n := 2; n <= 4; n++ {
				time.Sleep(7 * time.Minute)
				w.Do(func() { w.signIn(n) })
			}
		}()
		if err := run(t, s, k, 2*time.Hour); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want the end of the context", err)
		}
		if diff := cmp.Diff([]string{"1", "2", "3", "4"}, k.got); diff != "" {
			t.Errorf("sign-ins (-want +got):\n%s", diff)
		}
		if h := s.Health(); h.Fault != "" || h.Heard.IsZero() || h.Last.IsZero() || h.Delay < 15*time.Minute {
			t.Errorf("got health %+v", h)
		}
	})
}

func TestEventsWithoutAnIDComeOnceEachByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.nameless = true
		w.signIn(1)
		w.signIn(2)
		s, k := w.source(t, home), &taker{t: t}
		if err := run(t, s, k, time.Hour); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want the end of the context", err)
		}
		slices.Sort(k.got)
		if diff := cmp.Diff([]string{"1", "2"}, k.got); diff != "" {
			t.Errorf("sign-ins (-want +got):\n%s", diff)
		}
		again := &taker{t: t}
		if err := run(t, w.source(t, home), again, time.Hour); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want the end of the context", err)
		}
		if diff := cmp.Diff(k.names, again.names); diff != "" || len(k.names) != 2 {
			t.Errorf("names of deliveries after a restart (-before +after), want two that stay:\n%s", diff)
		}
	})
}

func TestAnEventThatIsHoursLateIsFoundByTheDeepLook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.late = func(string) time.Duration { return 3 * time.Hour }
		w.signIn(1)
		k := &taker{t: t}
		_ = run(t, w.source(t, home), k, 5*time.Hour)
		if diff := cmp.Diff([]string{"1"}, k.got); diff != "" {
			t.Errorf("sign-ins (-want +got):\n%s", diff)
		}
	})
}

func TestPagesAreReadToTheEndAtTwoCallsASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		for n := range 230 {
			w.signIn(n % 250)
		}
		k := &taker{t: t}
		_ = run(t, w.source(t, home), k, 30*time.Second)
		if len(k.got) != 230 {
			t.Errorf("got %d sign-ins, want 230", len(k.got))
		}
		for i, at := range w.calls {
			if i >= 2 && at.Sub(w.calls[i-2]) < time.Second {
				t.Fatalf("calls %d to %d came within %v, want at most two a second", i-2, i, at.Sub(w.calls[i-2]))
			}
		}
	})
}

func TestWhatIsNotKeptIsAskedForAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		k := &taker{t: t}
		_ = run(t, w.source(t, home), k, 15*time.Minute)
		if k.marks == 0 || k.mark == nil {
			t.Fatal("got no mark of a source that heard nothing new")
		}
		w.Do(func() { w.signIn(1) })
		k.fail = errors.New("killed between take and mark")
		if err := run(t, w.source(t, home), k, 10*time.Minute); !errors.Is(err, k.fail) {
			t.Errorf("got %v, want the taker's error", err)
		}
		time.Sleep(3 * time.Hour)
		k.fail = nil
		_ = run(t, w.source(t, home), k, 10*time.Minute)
		if diff := cmp.Diff([]string{"1", "1"}, k.got); diff != "" {
			t.Errorf("sign-ins (-want +got):\n%s", diff)
		}
	})
}

func TestAPlaceThatFailsKeepsNoOtherWaitingAndLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.signIn(1)
		other := lookup.Place{Account: "444455556666", Region: "eu-west-1"}
		s, k := w.source(t, other, home), &taker{t: t}
		_ = run(t, s, k, 30*time.Minute)
		if h := s.Health(); len(k.got) != 1 || !strings.Contains(h.Fault, "1 of 2 places") || !strings.Contains(h.Fault, "444455556666/eu-west-1: no role to enter") {
			t.Errorf("got %v, fault %q, want the sign-in, and the place named", k.got, h.Fault)
		}
		if !strings.Contains(string(k.mark), `"444455556666/eu-west-1":"1999-12-31T`) {
			t.Errorf("got mark %s, want the place that failed to begin where it was", k.mark)
		}
	})
}

func TestAThrottledCallIsNamedAndMadeUpFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.signIn(1)
		w.AddFault(cloud.Fault{Kind: cloud.Throttle, Service: "cloudtrail", Operation: "LookupEvents"})
		s, k := w.source(t, home), &taker{t: t}
		_ = run(t, s, k, 10*time.Minute)
		if h := s.Health(); len(k.got) != 0 || !strings.Contains(h.Fault, "Throttling") || !h.Heard.IsZero() {
			t.Errorf("got %v, health %+v, want the refusal named", k.got, h)
		}
		w.ClearFaults()
		_ = run(t, s, k, 10*time.Minute)
		if h := s.Health(); len(k.got) != 1 || h.Fault != "" {
			t.Errorf("got %v, fault %q, want the sign-in and no fault", k.got, h.Fault)
		}
	})
}

func TestCredentialsThatComeLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.signIn(1)
		w.shut = errors.New("sign in again")
		s, k := w.source(t, home), &taker{t: t}
		_ = run(t, s, k, 5*time.Minute)
		if h := s.Health(); len(k.got) != 0 || !strings.Contains(h.Fault, "sign in again") || !h.Heard.IsZero() {
			t.Errorf("got %v, health %+v, want the refusal named", k.got, h)
		}
		w.shut = nil
		_ = run(t, s, k, 5*time.Minute)
		if h := s.Health(); len(k.got) != 1 || h.Fault != "" {
			t.Errorf("got %v, fault %q, want the sign-in and no fault", k.got, h.Fault)
		}
	})
}

func TestOnlyTheOperationsThatAreNamedAreCalled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.ResetRequests()
		_ = run(t, w.source(t, home, lookup.Place{Account: home.Account, Region: "eu-west-1"}), &taker{t: t}, 5*time.Minute)
		called := map[string]bool{}
		for _, r := range w.Requests() {
			called[r.Service+":"+r.Operation] = true
		}
		want := map[string]bool{}
		for _, o := range lookup.Operations() {
			want[o] = true
		}
		if diff := cmp.Diff(want, called); diff != "" {
			t.Errorf("operations (-want +got):\n%s", diff)
		}
	})
}

func TestWhatCannotBeAskedIsRefused(t *testing.T) {
	w := &world{}
	for _, c := range []lookup.Config{
		{}, {Name: "a", Now: time.Now, Open: w.open}, {Name: "a", Now: time.Now, Open: w.open, Places: []lookup.Place{home}, Begin: 91 * 24 * time.Hour},
	} {
		if _, err := lookup.New(c); err == nil {
			t.Errorf("got a source of %+v, want a refusal", c)
		}
	}
	s, err := lookup.New(lookup.Config{Name: "a", Now: time.Now, Open: w.open, Places: []lookup.Place{home}})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Run(t.Context(), []byte(`{"until":1}`), nil); err == nil || !strings.Contains(err.Error(), "mark") {
		t.Errorf("got %v, want a refusal of the mark", err)
	}
}

// Credentials that are over are asked for anew: those of a profile may be others by now.
func TestCredentialsAreOpenedAnewWhereEveryPlaceRefuses(t *testing.T) {
	for _, test := range []struct {
		name    string
		account rootkeep.AccountID
		least   int
		most    int
	}{
		{"a place that answers", "111122223333", 1, 1},
		{"none that answers", "999999999999", 3, 10},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, opened := newWorld(t), 0
				s, err := lookup.New(lookup.Config{Name: "history", Places: []lookup.Place{{Account: test.account, Region: "eu-west-1"}}, Now: time.Now, Open: func(ctx context.Context) (lookup.Sessions, error) {
					opened++
					return w.open(ctx)
				}})
				if err != nil {
					t.Fatal(err)
				}
				ctx, stop := context.WithTimeout(t.Context(), 5*time.Minute)
				defer stop()
				_ = s.Run(ctx, nil, func(context.Context, live.Delivery) error { return nil })
				if opened < test.least || opened > test.most {
					t.Errorf("got credentials opened %d times in five minutes, want %d to %d", opened, test.least, test.most)
				}
			})
		})
	}
}

func TestWhatAnybodyCanMakeManyOfIsAskedLast(t *testing.T) {
	for _, region := range []string{"us-east-1", "eu-west-1"} {
		list := lookup.Attributes(region)
		if got := aws.ToString(list[len(list)-1].AttributeValue); got != "signin.amazonaws.com" {
			t.Errorf("%s: got %s last, want the sign-ins", region, got)
		}
	}
}
