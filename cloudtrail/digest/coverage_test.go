package digest_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep/cloudtrail/digest"
	"github.com/rootkeep/rootkeep/cloudtrail/digest/digesttest"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// spans writes a coverage as lines of hours since the start of the day.
func spans(c digest.Coverage) []string {
	var out []string
	for _, r := range c {
		for _, s := range r.Spans {
			out = append(out, string(r.Region)+" "+s.From.Format("15:04:05")+"-"+s.To.Format("15:04:05")+" "+s.State.String())
		}
	}
	return out
}

func TestCoverage(t *testing.T) {
	four := digesttest.Chain{Hours: 4, Logs: 1}
	for _, tc := range []struct {
		name  string
		build func(b *trail, opt *digest.Options)
		want  []string
	}{
		{"a valid chain proves its digests' time", func(b *trail, opt *digest.Options) {
			b.add(four)
		}, []string{"us-east-1 00:00:00-00:01:31 seen", "us-east-1 00:01:31-04:01:31 proven"}},
		{"a quiet hour is proven too", func(b *trail, opt *digest.Options) {
			b.add(digesttest.Chain{Hours: 2})
		}, []string{"us-east-1 00:01:31-02:01:31 proven"}},
		{"an hour with a deleted log is not proven", func(b *trail, opt *digest.Options) {
			b.add(digesttest.Chain{Hours: 3, Logs: 2})
			b.remove(digesttest.Chain{}.LogPath(1, 0))
		}, []string{
			"us-east-1 00:00:00-00:01:31 seen", "us-east-1 00:01:31-01:01:31 proven",
			"us-east-1 01:01:31-02:01:31 seen", "us-east-1 02:01:31-03:01:31 proven",
		}},
		{"an hour whose digest and logs are gone is missing", func(b *trail, opt *digest.Options) {
			b.add(four)
			b.remove(four.DigestPath(1))
			b.remove(four.LogPath(1, 0))
		}, []string{
			"us-east-1 00:00:00-00:01:31 seen", "us-east-1 00:01:31-01:01:31 proven",
			"us-east-1 01:01:31-02:00:00 missing", "us-east-1 02:00:00-02:01:31 seen", "us-east-1 02:01:31-04:01:31 proven",
		}},
		{"a bad backfill digest takes the proof of its hour away", func(b *trail, opt *digest.Options) {
			b.add(digesttest.Chain{Hours: 3})
			late := digesttest.Chain{Hours: 1, Start: day.Add(time.Hour), Backfill: true}
			b.add(late)
			b.editMetadata(late.DigestPath(0), func(m map[string]string) { m["signature"] = "00" })
		}, []string{
			"us-east-1 00:01:31-01:01:31 proven", "us-east-1 01:01:31-02:01:31 missing", "us-east-1 02:01:31-03:01:31 proven",
		}},
		{"another trail proves what the first does not", func(b *trail, opt *digest.Options) {
			b.add(digesttest.Chain{Hours: 3})
			b.remove(digesttest.Chain{}.DigestPath(1))
			b.add(digesttest.Chain{Hours: 3, Trail: "second"})
		}, []string{"us-east-1 00:01:31-03:01:31 proven"}},
		{"a Region that fell silent shows as missing", func(b *trail, opt *digest.Options) {
			b.add(digesttest.Chain{Hours: 3})
			b.add(digesttest.Chain{Hours: 1, Region: "eu-west-3"})
		}, []string{
			"eu-west-3 00:01:31-01:01:31 proven", "eu-west-3 01:01:31-03:01:31 missing", "us-east-1 00:01:31-03:01:31 proven",
		}},
		{"a requested range is the range of the coverage", func(b *trail, opt *digest.Options) {
			b.add(digesttest.Chain{Hours: 3})
			opt.Since, opt.Until = day.Add(90*time.Minute), day.Add(5*time.Hour)
		}, []string{"us-east-1 01:31:31-03:01:31 proven", "us-east-1 03:01:31-05:01:31 missing"}},
		{"without keys nothing is proven", func(b *trail, opt *digest.Options) {
			b.add(digesttest.Chain{Hours: 1, Logs: 1})
			opt.Keys = nil
		}, []string{"us-east-1 00:00:00-01:00:00 seen"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := &trail{t: t, files: map[string][]byte{}}
			opt := digest.Options{Keys: publicKeys(t)}
			tc.build(b, &opt)
			if diff := cmp.Diff(tc.want, spans(verify(t, b, opt).Coverage)); diff != "" {
				t.Errorf("coverage (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCoverageAnswers(t *testing.T) {
	b := &trail{t: t, files: map[string][]byte{}}
	b.add(digesttest.Chain{Hours: 3})
	b.add(digesttest.Chain{Hours: 1, Region: "eu-west-3"})
	c := verify(t, b, digest.Options{Keys: publicKeys(t)}).Coverage
	const account = "111122223333"
	for _, tc := range []struct {
		name      string
		got, want any
	}{
		{"the first moment of a digest is proven", c.State(account, "us-east-1", day), digest.Proven},
		{"the moment before is not", c.State(account, "us-east-1", day.Add(-1)), digest.Absent},
		{"the last moment is proven", c.State(account, "us-east-1", day.Add(3*time.Hour-1)), digest.Proven},
		{"the end is outside", c.State(account, "us-east-1", day.Add(3*time.Hour)), digest.Absent},
		{"a Region without files is missing", c.State(account, "sa-east-1", day), digest.Absent},
		{"another account is missing", c.State("444455556666", "us-east-1", day), digest.Absent},
		{"the hour that all Regions have is proven", c.Proven(day, day.Add(time.Hour)), true},
		{"the hour that one Region lacks is not", c.Proven(day.Add(time.Hour), day.Add(2*time.Hour)), false},
		{"nothing is proven by nothing", digest.Coverage(nil).Proven(day, day), false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if tc.got != tc.want {
				t.Errorf("got %v, want %v", tc.got, tc.want)
			}
		})
	}
}

func TestCoverageWithoutFiles(t *testing.T) {
	chain := digesttest.Chain{Hours: 4, Logs: 1}
	b := &trail{t: t, files: map[string][]byte{}}
	b.add(chain)
	b.add(digesttest.Chain{Hours: 4, Region: "eu-west-3"})
	whole := []string{"eu-west-3 00:00:00-00:01:31 missing", "eu-west-3 00:01:31-04:01:31 proven", "us-east-1 00:00:00-00:01:31 seen", "us-east-1 00:01:31-04:01:31 proven"}
	const folder = "AWSLogs/111122223333/CloudTrail/us-east-1/"
	for _, tc := range []struct {
		name          string
		paths         []string
		want, strange []string
	}{
		{"of none, all is proven", nil, whole, nil},
		{"of a log, its hour and the time that it may come late are not", []string{chain.LogPath(1, 0)},
			append(whole[:3:3], "us-east-1 00:01:31-01:00:00 proven", "us-east-1 01:00:00-02:15:00 seen", "us-east-1 02:15:00-04:01:31 proven"), nil},
		{"of a digest, its hour is not, wherever the copy lies", []string{"/copy/" + chain.DigestPath(1)},
			append(whole[:3:3], "us-east-1 00:01:31-01:01:31 proven", "us-east-1 01:01:31-02:01:31 seen", "us-east-1 02:01:31-04:01:31 proven"), nil},
		{"of a name without a time, nothing of the place is", []string{folder + "2026/11/21/evil.json.gz"}, append(whole[:2:2], "us-east-1 00:00:00-04:01:31 seen"), nil},
		{"of a place without coverage, nothing changes", []string{"AWSLogs/444455556666/CloudTrail/us-east-1/x.json.gz"}, whole, nil},
		{"what lies in no place is named", []string{"notes/x.json.gz", "x"}, whole, []string{"notes/x.json.gz", "x"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, strange := verify(t, b, digest.Options{Keys: publicKeys(t)}).Coverage.Without(tc.paths)
			if diff := cmp.Diff(tc.want, spans(got)); diff != "" {
				t.Errorf("coverage (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.strange, strange); diff != "" {
				t.Errorf("strange (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLogsAreToldByTheirPaths(t *testing.T) {
	chain := digesttest.Chain{Hours: 3, Logs: 1}
	b := &trail{t: t, files: map[string][]byte{}}
	b.add(chain)
	b.files[chain.LogPath(1, 0)] = digesttest.Gzip([]byte("{}"))
	b.remove(chain.LogPath(2, 0))
	var mu sync.Mutex
	got := map[string]digest.Status{}
	verify(t, b, digest.Options{Keys: publicKeys(t), Log: func(path string, s digest.Status) {
		mu.Lock()
		defer mu.Unlock()
		got[path] = s
	}})
	want := map[string]digest.Status{chain.LogPath(0, 0): digest.Valid, chain.LogPath(1, 0): digest.Invalid}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("logs (-want +got):\n%s", diff)
	}
}

// damaged is a copy with something of everything, for rendered output.
func damaged(t *testing.T) *digest.Report {
	b := &trail{t: t, files: map[string][]byte{}}
	c := digesttest.Chain{Hours: 4, Logs: 2, Organization: "o-exampleorgid"}
	b.add(c)
	b.remove(c.DigestPath(1))
	b.files[c.LogPath(2, 0)] = digesttest.Gzip([]byte("{}"))
	b.files[c.LogPath(3, 5)] = digesttest.Gzip([]byte("{}"))
	b.files["AWSLogs/o-exampleorgid/111122223333/CloudTrail/us-east-1/\x1b[2Jevil\u202e.json.gz"] = nil
	b.add(digesttest.Chain{Hours: 1, Backfill: true, Organization: "o-exampleorgid"})
	b.add(digesttest.Chain{Hours: 2, Region: "eu-west-3", Trail: "paris"})
	return verify(t, b, digest.Options{Keys: publicKeys(t)})
}

func TestReportText(t *testing.T) {
	var out bytes.Buffer
	if err := damaged(t).WriteText(&out); err != nil {
		t.Fatal(err)
	}
	golden(t, "report.txt", out.Bytes())
}

func TestReportOfAnEmptyFolderText(t *testing.T) {
	r := verify(t, &trail{t: t}, digest.Options{Since: day, Until: day.Add(time.Hour)})
	var out bytes.Buffer
	if err := r.WriteText(&out); err != nil {
		t.Fatal(err)
	}
	golden(t, "empty.txt", out.Bytes())
}

func TestReportSurvivesJSON(t *testing.T) {
	want := damaged(t)
	raw, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	got := new(digest.Report)
	if err := json.Unmarshal(raw, got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("report through JSON (-want +got):\n%s", diff)
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got), refresh with -update:\n%s", path, diff)
	}
}
