package queue_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rootkeep/rootkeep/internal/awssim/simtest"
	"github.com/rootkeep/rootkeep/internal/stream/live/queue"
)

const silentBucket = "silent-of-example"

// silent does not answer about one bucket while it is on, or sends the first bytes alone.
type silent struct {
	http.RoundTripper
	on, within atomic.Bool
}

func (s *silent) RoundTrip(r *http.Request) (*http.Response, error) {
	if !s.on.Load() || !strings.HasPrefix(r.URL.Path, "/"+silentBucket+"/") {
		return s.RoundTripper.RoundTrip(r)
	}
	if s.within.Load() {
		return &http.Response{StatusCode: http.StatusOK, ContentLength: 1000, Header: http.Header{"Content-Length": {"1000"}}, Body: half{r}, Request: r}, nil
	}
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// half is a body of which nothing comes.
type half struct{ of *http.Request }

func (h half) Read([]byte) (int, error) {
	<-h.of.Context().Done()
	return 0, h.of.Context().Err()
}

func (half) Close() error { return nil }

var _ io.ReadCloser = half{}

// A bucket that does not answer holds up what is behind its messages for a moment only, and
// loses nothing itself.
func TestABucketThatIsSilentHoldsUpNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		through := &silent{RoundTripper: simtest.Direct{Cloud: w.Cloud}}
		w.through = through
		w.Must("s3", "CreateBucket", map[string]any{"Bucket": silentBucket})
		w.rule(ofRoot, w.arn)
		const files = 40
		for n := range files {
			key := fmt.Sprintf("AWSLogs/444455556666/CloudTrail/us-east-1/2026/11/27/444455556666_CloudTrail_us-east-1_20261127T1000Z_%016d.json", n)
			w.Must("s3", "PutObject", map[string]any{"Bucket": silentBucket, "Key": key, "Body": fmt.Appendf(nil,
				`{"Records":[{"eventID":"s%d","eventName":"ConsoleLogin","userIdentity":{"type":"Root"},"sourceIPAddress":"198.51.100.%d","recipientAccountId":"444455556666"}]}`, n, n+10)})
			w.send(fmt.Sprintf(`{"Records":[{"eventSource":"aws:s3","eventName":"ObjectCreated:Put","awsRegion":"us-east-1","s3":{"bucket":{"name":%q},"object":{"key":%q}}}]}`, silentBucket, key))
		}
		through.on.Store(true)
		s := w.source(func(c *queue.Config) { c.Buckets = append(c.Buckets, silentBucket) })
		k := &taker{t: t}
		go func() {
			time.Sleep(time.Second)
			w.RootSignsIn(simtest.Management, 1)
			time.Sleep(30 * time.Minute)
			w.RootSignsIn(simtest.Management, 2)
			time.Sleep(time.Minute)
			if h := s.Health(); !strings.Contains(h.Fault, "bucket "+silentBucket+" cannot be read, and 40 messages wait: no answer for 10s") {
				t.Errorf("got fault %q, want the bucket and why", h.Fault)
			}
			through.on.Store(false)
		}()
		_ = run(t, s, k, 2*time.Hour)
		if got := k.sorted(); len(got) != files+2 || len(k.lost) > 0 || w.left(w.url) != "0+0" || s.Health().Fault != "" {
			t.Errorf("got %d sign-ins, lost %v, %s messages left, fault %q, want all", len(got), k.lost, w.left(w.url), s.Health().Fault)
		}
		if len(k.at) < 2 || k.at[0] > 15*time.Second || k.at[1] > 2*time.Second {
			t.Errorf("got the sign-ins beside it after %v, want the first within seconds, and the second at once", k.at[:min(len(k.at), 2)])
		}
	})
}

// An object whose bytes are not sent is one that cannot be read.
func TestAnObjectThatIsNotSentToItsEndIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		through := &silent{RoundTripper: simtest.Direct{Cloud: w.Cloud}}
		through.on.Store(true)
		through.within.Store(true)
		w.through = through
		const key = "AWSLogs/444455556666/CloudTrail/us-east-1/2026/11/27/444455556666_CloudTrail_us-east-1_20261127T1000Z_abcdefghijklmnop.json"
		w.send(fmt.Sprintf(`{"Records":[{"eventSource":"aws:s3","eventName":"ObjectCreated:Put","awsRegion":"us-east-1","s3":{"bucket":{"name":%q},"object":{"key":%q}}}]}`, silentBucket, key))
		k := &taker{t: t}
		_ = run(t, w.source(func(c *queue.Config) { c.Buckets = append(c.Buckets, silentBucket) }), k, time.Minute)
		if len(k.lost) == 0 || !strings.Contains(k.lost[0], "no answer for 10s") {
			t.Errorf("got lost %q within a minute, want the object and why", k.lost)
		}
	})
}
