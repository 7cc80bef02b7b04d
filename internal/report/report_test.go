package report

import (
	"errors"
	"fmt"
	"math"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"charm.land/lipgloss/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep"
)

func TestVerdict(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Hunt)
		want   string
	}{
		{"no alert is no proof of absence", func(*Hunt) {},
			"No alert at or above low in 120 events, 1 account, 2026-11-21; this is not proof of absence: coverage not verified"},
		{"proven coverage lets absence be said", func(h *Hunt) { h.Coverage.Proven = true },
			"No alert at or above low in 120 events, 1 account, 2026-11-21; coverage of the period is proven"},
		{"an interrupted hunt proves nothing even with digests", func(h *Hunt) { h.Coverage.Proven, h.Interrupted = true, true },
			"No alert at or above low in 120 events, 1 account, 2026-11-21; this is not proof of absence: the hunt was interrupted"},
		{"no event is no verdict", func(h *Hunt) { h.Totals.Events = 0 }, "No event was read: nothing can be said"},
		{"an approximate total says so", func(h *Hunt) { h.Totals.DedupApproximateFrom = "a.json" },
			"No alert at or above low in about 120 events, 1 account, 2026-11-21; this is not proof of absence: coverage not verified"},
		{"alerts are counted from the most severe", func(h *Hunt) {
			h.Alerts = []rootkeep.Alert{{Level: rootkeep.Low, First: h.First}, {Level: rootkeep.Critical, First: h.First}, {Level: rootkeep.Low, First: h.First}}
			h.Derive()
		}, "1 critical, 2 low in 120 events, 1 account, 2026-11-21"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := quiet()
			c.change(h)
			if got := h.Verdict(); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestDeriveSortsMostSevereFirst(t *testing.T) {
	day := at("2026-11-20T00:00:00Z")
	h := &Hunt{
		Alerts: []rootkeep.Alert{
			{ID: "low", Level: rootkeep.Low, First: day}, {ID: "late", Level: rootkeep.High, First: day.Add(time.Hour)},
			{ID: "b", Level: rootkeep.High, First: day}, {ID: "a", Level: rootkeep.High, First: day},
		},
		Sessions: []RootSession{{Account: "quiet", Start: day}, {Account: "loud", Start: day.Add(time.Hour), Alerts: []string{"late"}}},
	}
	h.Derive()
	var got []string
	for _, a := range h.Alerts {
		got = append(got, a.ID)
	}
	for _, s := range h.Sessions {
		got = append(got, string(s.Account))
	}
	if diff := cmp.Diff([]string{"a", "b", "late", "low", "loud", "quiet"}, got); diff != "" {
		t.Errorf("got (+) differs from want (-):\n%s", diff)
	}
}

func TestTimelineHoldsEveryAlert(t *testing.T) {
	start := at("2026-01-01T10:30:00Z")
	for _, c := range []struct {
		name    string
		span    time.Duration
		seconds int64
	}{
		{"an instant is one hour", 0, 3600},
		{"three days are drawn by the hour", 72 * time.Hour, 3600},
		{"a month is drawn by the day", 30 * 24 * time.Hour, 86400},
		{"a year is drawn by the week", 365 * 24 * time.Hour, 7 * 86400},
		{"ten years are drawn by several weeks", 3650 * 24 * time.Hour, 6 * 7 * 86400},
	} {
		t.Run(c.name, func(t *testing.T) {
			alerts := []rootkeep.Alert{{First: start}, {First: start.Add(c.span)}, {First: start.Add(c.span / 2)}}
			got := newTimeline(alerts, start.Add(time.Minute), start)
			total := 0
			for _, b := range got.Buckets {
				total += b.Alerts.Total()
			}
			if got.Seconds != c.seconds || total != 3 || len(got.Buckets) > maxBuckets {
				t.Errorf("got %d alerts in %d buckets of %d s, want 3 in at most %d of %d s", total, len(got.Buckets), got.Seconds, maxBuckets, c.seconds)
			}
		})
	}
}

func TestEmptyHuntRendersEverywhere(t *testing.T) {
	for name, render := range surfaces() {
		t.Run(name, func(t *testing.T) {
			h := &Hunt{}
			h.Derive()
			if out := string(rendered(t, render, h)); strings.Contains(out, "null") {
				t.Errorf("got null in %s, want empty lists", out)
			}
		})
	}
}

// fullDisk accepts nothing.
type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

func TestRenderersReportAFullDisk(t *testing.T) {
	for name, render := range surfaces() {
		t.Run(name, func(t *testing.T) {
			if err := render(fullDisk{}, rootStory()); err == nil {
				t.Error("got no error, want the error of the writer")
			}
		})
	}
	if err := WriteMatch(fullDisk{}, &Match{Event: "e1"}); err == nil {
		t.Error("got no error from WriteMatch, want the error of the writer")
	}
}

func TestMatchIsOneLine(t *testing.T) {
	var out strings.Builder
	m := Match{Time: at("2026-11-20T03:11:09Z"), Event: "e1", Rule: "root-signin", Level: rootkeep.High, Account: "012345670123", Region: "us-east-1",
		Actor: "root\u202e", Name: "ConsoleLogin\n", Address: "203.0.113.9", File: "a.json.gz", Offset: 7}
	if err := WriteMatch(&out, &m); err != nil {
		t.Fatal(err)
	}
	want := `{"time":"2026-11-20T03:11:09Z","event_id":"e1","rule":"root-signin","level":"high","account":"012345670123","region":"us-east-1",` +
		`"actor":"root\u202e","name":"ConsoleLogin\n","address":"203.0.113.9","file":"a.json.gz","offset":7}` + "\n"
	if got := out.String(); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestTerminalStaysWithinItsWidth(t *testing.T) {
	for _, width := range []int{40, 60, 100, 200} {
		for name, h := range map[string]*Hunt{"story": rootStory(), "hostile": hostile()} {
			t.Run(fmt.Sprintf("%s at %d columns", name, width), func(t *testing.T) {
				var out strings.Builder
				if err := Terminal(&out, h, TerminalOptions{Width: width, MaxAlerts: -1}); err != nil {
					t.Fatal(err)
				}
				for line := range strings.Lines(out.String()) {
					if got := lipgloss.Width(strings.TrimSuffix(line, "\n")); got > width {
						t.Errorf("got %d columns in %q, want at most %d", got, line, width)
					}
				}
			})
		}
	}
}

func TestProgressLine(t *testing.T) {
	half := Progress{FilesDone: 1204, FilesTotal: 3310, StoredDone: 50, StoredTotal: 100, Inflated: 4_120_000_000, Events: 1_200_000, Elapsed: 10 * time.Second}
	for _, c := range []struct {
		name  string
		p     Progress
		width int
		want  string
	}{
		{"everything fits", half, 100, "[==============              ]  1,204/3,310 files   50%  412 MB/s  1,200,000 events  ETA 10s"},
		{"the bar goes first", half, 70, "1,204/3,310 files   50%  412 MB/s  1,200,000 events  ETA 10s"},
		{"the rest goes from the right", half, 30, "1,204/3,310 files   50%"},
		{"a very narrow terminal gets what fits", half, 5, "1,204"},
		{"no width gets nothing", half, 0, ""},
		{"an unknown total has no bar and no estimate", Progress{FilesDone: 1, Inflated: 1e6, Events: 1, Elapsed: time.Second}, 80, "1 file  1 MB/s  1 event"},
		{"files stand in for unknown bytes", Progress{FilesDone: 1, FilesTotal: 4, Elapsed: 3 * time.Second}, 60, "[===            ]  1/4 files   25%  0 MB/s  0 events  ETA 9s"},
		{"nothing is estimated in the first second", Progress{FilesDone: 1, FilesTotal: 2}, 40, "[=====      ]  1/2 files   50%  0 events"},
		{"a file that grew does not pass the end", Progress{FilesTotal: 1, StoredDone: 200, StoredTotal: 100, Elapsed: time.Second}, 30, "0/1 files  100%  0 MB/s"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := ProgressLine(c.p, c.width); got != c.want || len(got) > c.width {
				t.Errorf("got %q (%d columns), want %q", got, len(got), c.want)
			}
		})
	}
}

// TestColorsHaveContrast holds the style to WCAG 2.2 level AA: 4.5 for text.
func TestColorsHaveContrast(t *testing.T) {
	css, err := os.ReadFile("sheet/sheet.css")
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.SplitN(string(css), "@media (prefers-color-scheme: dark)", 2)
	for scheme, part := range map[string]string{"light": parts[0], "dark": parts[1]} {
		colors := map[string]string{}
		for _, m := range regexp.MustCompile(`--([a-z-]+): (#[0-9a-f]{6});`).FindAllStringSubmatch(part, -1) {
			if colors[m[1]] == "" { // the print palette comes later
				colors[m[1]] = m[2]
			}
		}
		pairs := [][2]string{}
		for _, text := range []string{"ink", "soft", "link", "critical", "high", "medium", "low", "informational"} {
			pairs = append(pairs, [2]string{text, "paper"}, [2]string{text, "card"})
		}
		for _, level := range []string{"critical", "high", "medium", "low", "informational"} {
			pairs = append(pairs, [2]string{level, level + "-tint"}, [2]string{"ink", level + "-tint"}, [2]string{"soft", level + "-tint"})
		}
		for _, p := range pairs {
			if got := contrast(t, colors[p[0]], colors[p[1]]); got < 4.5 {
				t.Errorf("%s: got contrast %.2f of %s on %s, want 4.5", scheme, got, p[0], p[1])
			}
		}
	}
}

func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	x, y := luminance(t, a), luminance(t, b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

// luminance is the relative luminance of WCAG 2.2 of a color #rrggbb.
func luminance(t *testing.T, color string) float64 {
	t.Helper()
	sum := 0.0
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		n, err := strconv.ParseUint(color[1+2*i:3+2*i], 16, 8)
		if err != nil {
			t.Fatal(err)
		}
		c := float64(n) / 255
		if c <= 0.04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		sum += weight * c
	}
	return sum
}
