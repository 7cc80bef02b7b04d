package s3_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	aws3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/awssim/simtest"
	"github.com/rootkeep/rootkeep/internal/stream"
	"github.com/rootkeep/rootkeep/internal/stream/s3"
)

const (
	first, second = "111122223333", "444455556666"
	org           = "o-exampleorgid"
)

// requests counts the calls that list.
type requests struct {
	mu      sync.Mutex // guards what follows
	lists   []string   // prefixes
	refuses string     // keys that have this in them are not given
	breaks  int        // answers that are cut
}

func (r *requests) through(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		r.mu.Lock()
		if q.URL.Query().Get("list-type") == "2" {
			r.lists = append(r.lists, q.URL.Query().Get("prefix"))
		}
		refused := r.refuses != "" && strings.Contains(q.URL.Path, r.refuses)
		cut := q.Method == http.MethodGet && q.URL.Query().Get("list-type") == "" && r.breaks > 0
		if cut {
			r.breaks--
		}
		r.mu.Unlock()
		switch {
		case refused:
			w.WriteHeader(http.StatusForbidden)
			_, _ = io.WriteString(w, "<Error><Code>AccessDenied</Code><Message>not for you</Message></Error>") // the client may be gone
		case cut:
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, "half")
			panic(http.ErrAbortHandler)
		default:
			next.ServeHTTP(w, q)
		}
	})
}

// filled is a simulated bucket with objects, whose content is their key.
func filled(t *testing.T, keys []string) *requests {
	t.Helper()
	r := &requests{}
	simtest.Start(t, 3, r.through)
	c, err := config.LoadDefaultConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	client := aws3.NewFromConfig(c, func(o *aws3.Options) { o.UsePathStyle = true })
	if _, err := client.CreateBucket(t.Context(), &aws3.CreateBucketInput{Bucket: aws.String("trail-logs")}); err != nil {
		t.Fatal(err)
	}
	for _, k := range keys {
		if _, err := client.PutObject(t.Context(), &aws3.PutObjectInput{Bucket: aws.String("trail-logs"), Key: &k, Body: strings.NewReader(strings.TrimSuffix(k, "AWSLogs/"))}); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

func log(account, kind, region, day string) string {
	return fmt.Sprintf("AWSLogs/%s/%s/%s/%s/%s_%s_%s_%sT0015Z_x.json.gz", account, kind, region, day, account, kind, region, strings.ReplaceAll(day, "/", ""))
}

// archive are the keys of two accounts, two Regions and four days, with what lies beside.
func archive() []string {
	var keys []string
	for _, account := range []string{first, second} {
		for _, region := range []string{"eu-west-1", "us-east-1"} {
			for _, day := range []string{"2026/09/30", "2026/11/20", "2026/11/21", "2026/11/22"} {
				keys = append(keys, log(account, "CloudTrail", region, day), log(account, "CloudTrail-Digest", region, day))
			}
		}
		keys = append(keys, log(account, "CloudTrail-Insight", "us-east-1", "2026/11/21"))
	}
	return append(keys, "AWSLogs/"+first+"/elasticloadbalancing/x.log.gz", "AWSLogs/notes.txt", "AWSLogs/", "else/where.json")
}

func list(t *testing.T, c s3.Config, prefix string) []string {
	t.Helper()
	b, err := s3.Open(t.Context(), c, s3.Place{Bucket: "trail-logs", Prefix: prefix})
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	if err := b.List(t.Context(), func(e s3.Entry) error {
		out = append(out, e.Key)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	slices.Sort(out)
	return out
}

func day(text string) time.Time {
	d, err := time.Parse("2006/01/02 15:04", text)
	if err != nil {
		panic(err)
	}
	return d
}

func TestOnlyWhatIsAskedForIsListed(t *testing.T) {
	keys := archive()
	r := filled(t, keys)
	keep := func(wanted func(string) bool) []string {
		var out []string
		for _, k := range keys {
			if !strings.Contains(k, "Digest") && !strings.HasSuffix(k, "/") && wanted(k) {
				out = append(out, k)
			}
		}
		slices.Sort(out)
		return out
	}
	trail := func(k string) bool { return strings.Contains(k, "/CloudTrail") }
	for _, c := range []struct {
		name   string
		config s3.Config
		prefix string
		want   func(string) bool
		most   int // listings
	}{
		{"everything", s3.Config{}, "", func(string) bool { return true }, 30},
		{"a folder without its slash is the beginning of a name", s3.Config{}, "AWSLogs/" + first + "/CloudTrail-I", func(k string) bool { return strings.Contains(k, first+"/CloudTrail-I") }, 2},
		{"one account", s3.Config{Accounts: []rootkeep.AccountID{second}}, "AWSLogs/", func(k string) bool { return strings.HasPrefix(k, "AWSLogs") && !strings.Contains(k, first) }, 8},
		{"since an hour", s3.Config{Since: day("2026/11/21 23:30")}, "AWSLogs/", func(k string) bool {
			return strings.HasPrefix(k, "AWSLogs") && (!trail(k) || strings.Contains(k, "/2026/11/21/") || strings.Contains(k, "/2026/11/22/"))
		}, 30},
		{"until a day, and what came late", s3.Config{Until: day("2026/11/20 12:00")}, "AWSLogs/", func(k string) bool {
			return strings.HasPrefix(k, "AWSLogs") && !strings.Contains(k, "/2026/11/22/")
		}, 30},
		{"a prefix inside a Region", s3.Config{Since: day("2026/01/01 00:00")}, "AWSLogs/" + first + "/CloudTrail/us-east-1/2026/11/", func(k string) bool { return strings.Contains(k, first+"/CloudTrail/us-east-1/2026/11/") }, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			r.lists = nil
			if diff := cmp.Diff(keep(c.want), list(t, c.config, c.prefix)); diff != "" {
				t.Errorf("keys (-want +got):\n%s", diff)
			}
			if len(r.lists) > c.most {
				t.Errorf("%d listings, want at most %d: %v", len(r.lists), c.most, r.lists)
			}
		})
	}
}

func TestAnOrganizationTrailUnderAPrefix(t *testing.T) {
	under := func(key string) string { return "audit/AWSLogs/" + org + "/" + strings.TrimPrefix(key, "AWSLogs/") }
	filled(t, []string{under(log(first, "CloudTrail", "us-east-1", "2026/11/21")), under(log(second, "CloudTrail", "us-east-1", "2026/11/21")), under(log(second, "CloudTrail", "us-east-1", "2026/10/21"))})
	want := []string{under(log(second, "CloudTrail", "us-east-1", "2026/11/21"))}
	for _, prefix := range []string{"", "audit/", "audit/AWSLogs/", "audit/AWSLogs/" + org + "/", "audit/AWSLogs/" + org + "/" + second + "/"} {
		got := list(t, s3.Config{Since: day("2026/11/01 00:00"), Accounts: []rootkeep.AccountID{second}}, prefix)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("below %q (-want +got):\n%s", prefix, diff)
		}
	}
}

// read gives the content of every object, or why there is none, by its name.
func read(t *testing.T, b *s3.Bucket) map[string]string {
	t.Helper()
	out := make(chan stream.Object)
	go func() { defer close(out); b.Send(t.Context(), out) }()
	got := map[string]string{}
	for o := range out {
		if o.Err != nil {
			got[o.Input.Name] = o.Err.Error()
			continue
		}
		r, err := o.Input.Open()
		if err != nil {
			got[o.Input.Name] = err.Error()
			continue
		}
		text, err := io.ReadAll(r)
		r.Close()
		if err != nil {
			t.Error(err)
		}
		got[o.Input.Name] = fmt.Sprintf("%.40s of %d, one member: %v", text, len(text), o.Input.OneMember)
	}
	return got
}

func TestObjectsAreRead(t *testing.T) {
	good, bad, large := log(first, "CloudTrail", "us-east-1", "2026/11/21"), log(second, "CloudTrail", "us-east-1", "2026/11/21"), "copies/large.json"
	r := filled(t, []string{good, bad})
	c, err := config.LoadDefaultConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	client := aws3.NewFromConfig(c, func(o *aws3.Options) { o.UsePathStyle = true })
	if _, err := client.PutObject(t.Context(), &aws3.PutObjectInput{Bucket: aws.String("trail-logs"), Key: &large, Body: strings.NewReader(strings.Repeat("y", 3<<20))}); err != nil {
		t.Fatal(err)
	}
	b, err := s3.Open(t.Context(), s3.Config{}, s3.Place{Bucket: "trail-logs"})
	if err != nil {
		t.Fatal(err)
	}
	r.refuses, r.breaks = second, 1
	want := map[string]string{
		"s3://trail-logs/" + good:  fmt.Sprintf("%.40s of %d, one member: true", good, len(good)),
		"s3://trail-logs/" + bad:   "get from S3: AccessDenied: not for you",
		"s3://trail-logs/" + large: strings.Repeat("y", 40) + " of 3145728, one member: false",
	}
	got := read(t, b)
	if strings.Contains(got["s3://trail-logs/"+large], "half") { // the cut answer met the large one
		got = read(t, b)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("objects (-want +got):\n%s", diff)
	}
	if n, size := b.Count(t.Context()); n != 3 || size != int64(len(good)+len(bad)+3<<20) {
		t.Errorf("got %d objects of %d bytes", n, size)
	}
}

func TestWhatCannotBeListed(t *testing.T) {
	filled(t, nil)
	_, err := s3.Open(t.Context(), s3.Config{}, s3.Place{Bucket: "no-such-bucket-here"})
	if err == nil || !strings.Contains(err.Error(), "list s3://no-such-bucket-here/: NoSuchBucket") || !strings.Contains(err.Error(), "hint: it takes s3:ListBucket") {
		t.Errorf("got %v, want which bucket, and what it takes", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s3.Open(ctx, s3.Config{}, s3.Place{Bucket: "trail-logs"}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want that it was told to stop", err)
	}
	for _, path := range []string{"s3://", "s3:///AWSLogs", "s3://a b/x", "s3://key@bucket/x"} {
		if _, err := s3.Parse(path); err == nil {
			t.Errorf("%s names a bucket", path)
		}
	}
}
