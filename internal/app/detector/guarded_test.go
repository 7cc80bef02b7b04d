package detector

import (
	"crypto/sha256"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rootkeep/rootkeep/internal/detect"
)

// asks is what a shipped detection asks of a record, and whether it alerts.
func asks(t *testing.T, p *detect.Pack, name string) (digest [sha256.Size]byte, alerts bool) {
	t.Helper()
	for i, r := range p.Set.Rules() {
		if r.Name == name {
			return p.Set.Digest(i), r.Alerts
		}
	}
	t.Fatalf("got no rule %s", name)
	return digest, false
}

// Whoever may write files of detections has neither an owner, a reason nor an end for what
// they hide: root and what watches stay as they are shipped.
func TestNothingOfOnesOwnWeakensWhatIsGuarded(t *testing.T) {
	const head = "id: 5c41628f-bead-4392-8c7b-5a394837a615\nlogsource: {product: aws, service: cloudtrail}\n"
	shipped, err := (&Settings{}).Load()
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		rule, settings string
		problem        string // of a file
		bad            string // of the settings
		narrows        bool   // another rule, that may be
	}{
		"a filter that names it":         {rule: "title: quiet\n" + head + "filter: {rules: [trail-stopped], f: {eventName: '*'}, condition: not f}\n", problem: "names rule trail-stopped, which nothing may narrow"},
		"a filter that names it by ID":   {rule: "title: quiet\n" + head + "filter: {rules: [8C1E0558-FE74-4B42-AAE7-A7C5E6AFFDA8], f: {eventName: '*'}, condition: not f}\n", problem: "which nothing may narrow"},
		"a filter of what it counts":     {rule: "title: quiet\n" + head + "filter: {rules: [root-signin-failure], f: {eventName: '*'}, condition: not f}\n", problem: "which nothing may narrow"},
		"a filter of all":                {rule: "title: quiet\n" + head + "filter: {rules: any, f: {eventName: '*'}, condition: not f}\n", narrows: true},
		"a filter of another":            {rule: "title: quiet\n" + head + "filter: {rules: [access-key-created-for-other], f: {eventName: '*'}, condition: not f}\n", narrows: true},
		"a correlation that only counts": {rule: "title: many\nname: own-many\nlevel: low\ncorrelation: {type: event_count, rules: [trail-stopped], group-by: [recipientAccountId], timespan: 5m, condition: {gte: 1000000}}\n"},
		"on trial by a pattern":          {rule: "title: keys\nname: own-keys\nlevel: low\n" + head + "detection: {a: {eventName: CreateAccessKey}, condition: a}\n", settings: "dry_run: ['*', 'own-*', access-key-created-for-other]\n"},
		"on trial by name":               {settings: "dry_run: [trail-stopped]\n", bad: "trail-stopped is shipped, and about root users or about what watches"},
		"one's own about root is one's":  {rule: "title: root reads\nname: own-root-reads\nlevel: low\n" + head + "detection: {a: {userIdentity.type: Root}, condition: a}\n", settings: "dry_run: [own-root-reads]\n"},
		"without the shipped one all":    {rule: "title: root reads\nname: trail-stopped\nlevel: low\n" + head + "detection: {a: {userIdentity.type: Root}, condition: a}\n", settings: "only_own: true\ndry_run: [trail-stopped]\n"},
	} {
		t.Run(name, func(t *testing.T) {
			folder, file := t.TempDir(), filepath.Join(t.TempDir(), "detections.yaml")
			for path, text := range map[string]string{filepath.Join(folder, "own.yaml"): test.rule, file: "rules: [" + folder + "]\n" + test.settings} {
				if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			s, err := Read(file)
			if err != nil {
				t.Fatal(err)
			}
			r, err := s.Load()
			if test.bad != "" {
				if err == nil || !strings.Contains(err.Error(), test.bad) {
					t.Errorf("got %v, want %q in it", err, test.bad)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var problems []string
			for _, p := range r.Pack.Problems {
				problems = append(problems, p.String())
			}
			if all := strings.Join(problems, "\n"); test.problem == "" && all != "" && test.rule != "" || !strings.Contains(all, test.problem) {
				t.Errorf("got the problems %q, want %q in them", all, test.problem)
			}
			if s.OnlyOwn {
				if !r.Options.DryRun("trail-stopped") {
					t.Error("got no trial of one's own detection")
				}
				return
			}
			for _, guarded := range []string{"trail-stopped", "root-signin-failure", "access-key-created-for-other"} {
				was, alerted := asks(t, shipped.Pack, guarded)
				is, alerts := asks(t, r.Pack, guarded)
				changed := guarded == "access-key-created-for-other" && test.narrows
				if (was != is) != changed || alerted != alerts {
					t.Errorf("%s: got narrowed %v and alerts %v, want %v and %v", guarded, was != is, alerts, changed, alerted)
				}
			}
			if r.Options.DryRun("trail-stopped") || r.Options.DryRun("root-signin-without-mfa") {
				t.Error("got a trial of what is guarded")
			}
			if test.settings != "" && r.Options.DryRun("own-rights-changed") {
				t.Error("got a trial of what is shipped by a pattern, want by its whole name alone")
			}
			if named := strings.Contains(test.settings, "access-key-created-for-other"); named && !(r.Options.DryRun("access-key-created-for-other") && r.Options.DryRun("own-keys")) {
				t.Error("got no trial of a shipped detection by its name, or of one's own by a pattern")
			}
			if strings.Contains(test.settings, "own-root-reads") && !r.Options.DryRun("own-root-reads") {
				t.Error("got no trial of one's own detection")
			}
		})
	}
}
