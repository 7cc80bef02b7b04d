package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/rootkeep/rootkeep/cloudtrail/digest/digesttest"
)

// TestDocumentation runs what README.md and docs/ show. The console blocks of a
// document are one session in one folder: each line that starts with "$ " is run
// by sh, and the lines below it are its whole output, in which "..." stands for
// any text and, alone on a line, for any lines. Without such lines the command
// has to succeed. A yaml or json block with a path behind the language is a file
// of that folder; a yaml block that starts with title: is a detection, which must
// pass rules lint and rules test. What cannot run here is marked sh or text.
func TestDocumentation(t *testing.T) {
	documents, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range append(documents, "../../README.md") {
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			s := newSession(t)
			for _, b := range fencedBlocks(string(text)) {
				s.block(b)
			}
			for dir := range s.folders {
				s.mustRun("rules", "lint", dir)
				s.mustRun("rules", "test", dir)
			}
		})
	}
}

// fenced is a code block of a document.
type fenced struct {
	line     int // of the opening fence, from 1
	language string
	path     string // behind the language, may be empty
	text     string
}

func fencedBlocks(text string) []fenced {
	var out []fenced
	inside := false
	number := 0
	for line := range strings.Lines(text) {
		number++
		info, fence := strings.CutPrefix(line, "```")
		switch {
		case fence && inside:
			inside = false
		case fence:
			inside = true
			language, path, _ := strings.Cut(strings.TrimSpace(info), " ")
			out = append(out, fenced{line: number, language: language, path: path})
		case inside:
			out[len(out)-1].text += line
		}
	}
	return out
}

// session is the folder in which the blocks of one document are run.
type session struct {
	*testing.T
	dir     string
	folders map[string]bool // with detections that a block wrote
}

// newSession fills a folder with what the documents take for given: a program,
// logs, a copy of a bucket with its keys.
func newSession(t *testing.T) *session {
	s := &session{T: t, dir: t.TempDir(), folders: map[string]bool{}}
	story, err := logOf("root-signin", "root-create-access-key", "stop-logging", "user-describe-instances")
	s.check(err)
	one, err := logOf("root-signin")
	s.check(err)
	program, err := exec.LookPath("rootkeep")
	s.check(err)
	s.check(digesttest.WriteFiles(s.dir, map[string][]byte{
		"AWSLogs/111122223333/CloudTrail/us-east-1/2026/03/02/111122223333_CloudTrail_us-east-1_20260302T1000Z_example0000.json.gz": digesttest.Gzip(story),
		"logs.json":  story,
		"event.json": one,
		"bin/.keep":  nil,
	}))
	s.check(writeTrail(filepath.Join(s.dir, "bucket"), digesttest.Chain{Hours: 3, Logs: 2}))
	s.check(os.Rename(filepath.Join(s.dir, "bucket.keys.json"), filepath.Join(s.dir, "keys.json")))
	s.check(zipFile(filepath.Join(s.dir, "logs.zip"), map[string][]byte{"logs.json": story}))
	s.check(os.Symlink(program, filepath.Join(s.dir, "bin/rootkeep")))
	if strings.HasSuffix(t.Name(), "/ledger.md") || strings.HasSuffix(t.Name(), "/server.md") {
		s.check(makeLedger(s.dir, 12))
	}
	if strings.HasSuffix(t.Name(), "/evidence-root.md") {
		s.check(makeRootStore(t, s.dir))
	}
	return s
}

func (s *session) check(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s *session) block(b fenced) {
	if b.path != "" {
		s.check(digesttest.WriteFiles(s.dir, map[string][]byte{b.path: []byte(b.text)}))
	}
	switch b.language {
	case "console":
		s.console(b)
	case "yaml":
		s.yaml(b)
	case "json":
		if !json.Valid([]byte(b.text)) {
			s.Errorf("line %d: got a json block that does not parse", b.line)
		}
	case "sh", "text":
	default:
		s.Errorf("line %d: got a block of language %q, want console, yaml, json, sh or text", b.line, b.language)
	}
}

func (s *session) yaml(b fenced) {
	switch {
	case !strings.HasPrefix(b.text, "title:"):
		var any any
		if err := yaml.Unmarshal([]byte(b.text), &any); err != nil {
			s.Errorf("line %d: got a yaml block that does not parse: %v", b.line, err)
		}
	case b.path != "":
		s.folders[filepath.Dir(b.path)] = true // once its base events are there as well
	default:
		s.check(os.WriteFile(filepath.Join(s.dir, "example.yaml"), []byte(b.text), 0o644))
		s.mustRun("rules", "lint", "example.yaml")
		s.mustRun("rules", "test", "example.yaml")
	}
}

func (s *session) mustRun(args ...string) {
	s.Helper()
	c := exec.Command("rootkeep", args...)
	c.Dir = s.dir
	if out, err := c.CombinedOutput(); err != nil {
		s.Errorf("rootkeep %s: got %v, want no error\n%s", strings.Join(args, " "), err, out)
	}
}

// notHere are commands that need more than this folder.
var notHere = regexp.MustCompile(`^(make|aws|go) `)

// foreign are programs of others that commands are piped into.
var foreign = regexp.MustCompile(`\| (openssl) `)

func (s *session) console(b fenced) {
	shown, commands, _ := strings.Cut("\n"+b.text, "\n$ ")
	if strings.TrimSpace(shown) != "" {
		s.Errorf("line %d: got %q before the first command, want none", b.line, shown)
	}
	for entry := range strings.SplitSeq(strings.TrimSuffix(commands, "\n"), "\n$ ") {
		command, want, _ := strings.Cut(entry, "\n")
		if notHere.MatchString(command) {
			continue
		}
		if tool := foreign.FindStringSubmatch(command); tool != nil {
			if _, err := exec.LookPath(tool[1]); err != nil {
				s.Logf("line %d: not run: %v", b.line, err)
				continue
			}
		}
		c := exec.Command("sh", "-c", command)
		c.Dir = s.dir
		got, err := c.CombinedOutput()
		if err != nil {
			s.Errorf("line %d: $ %s\ngot %v, want success\n%s", b.line, command, err, got)
		} else if want != "" && !shows(want, string(got)) {
			s.Errorf("line %d: $ %s\ngot\n%s\nwant\n%s", b.line, command, got, want)
		}
	}
}

// shows compares output with what a document shows of it.
func shows(want, got string) bool {
	var form strings.Builder
	for line := range strings.Lines(want + "\n") {
		line = strings.TrimRight(line, " \n")
		if line == "..." {
			form.WriteString(`(?:.*\n)*?`)
			continue
		}
		form.WriteString(strings.ReplaceAll(regexp.QuoteMeta(line), `\.\.\.`, `.*`) + `\n`)
	}
	var trimmed strings.Builder
	for line := range strings.Lines(got) {
		trimmed.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
	return regexp.MustCompile(`\A` + form.String() + `\z`).MatchString(trimmed.String())
}

// TestDocumentedNames holds the tables of the documents to the code: every name
// that the code gives to something must stand there in backquotes.
func TestDocumentedNames(t *testing.T) {
	tests := []struct {
		name     string
		document string
		sources  string // glob
		names    string // regular expression, the name in its group
	}{
		{"every reason of a verdict is explained", "trail-verify.md", "cloudtrail/digest/report.go", `Reason\w+ +Reason = "([a-z-]+)"`},
		{"every setting of a detection is explained", "detections.md", "internal/detect/settings.go", `yaml:"([a-z_]+)"`},
		{"every key of a case is explained", "detections.md", "internal/detect/cases/cases.go", `yaml:"([a-z_]+)"`},
		{"every judgment is explained", "detections.md", "internal/detect/grant/grant.go", `(?m)^\s+\w+ += "([a-z]+-[a-z]+)"`},
		{"every derived field is explained", "detections.md", "internal/detect/fields.go", `"(rootkeep\.[a-z_]+)"`},
		{"every check of the linter is explained", "detections.md", "sigma/lint/*.go", `"([a-z]+-[a-z-]+)", (?:Error|Warning|Info)\b`},
		{"every check of loading is explained", "detections.md", "internal/app/lint.go", `check\w+ += "([a-z]+)"`},
		{"every key of a technique is explained", "iam-escalation.md", "iam/escalate/technique/technique.go", `yaml:"([a-z]+)"`},
		{"every key of a technique's case is explained", "iam-escalation.md", "iam/escalate/technique/case.go", `yaml:"([a-z]+)"`},
		{"every target of a technique is explained", "iam-escalation.md", "iam/escalate/technique/technique.go", `Target = "([a-z-]+)"`},
		{"every effect of a technique is explained", "iam-escalation.md", "iam/escalate/technique/technique.go", `Effect = "([a-z]+)"`},
		{"every key of a register's entries is explained", "register.md", "internal/register/register.go", `json:"([a-z]+)"`},
		{"every member of a statement is explained", "approvals.md", "internal/approval/statement.go", `json:"([a-z0-9_]+)"`},
		{"every key of a policy is explained", "approvals.md", "internal/approval/policy.go", `yaml:"([a-z]+)"`},
		{"every entry about a request is named", "approvals.md", "internal/store/approvals/*.go", `(?:\.keep\(ctx, tx, |\.record\(tx, |verb :?= )"([a-z]+)"`},
		{"every entry about an exception is named", "approvals.md", "internal/store/exceptions/*.go", `"(exception\.[a-z]+)"`},
		{"every entry about people is named", "sign-in.md", "internal/store/people/*.go", `"((?:person|role|key|link|sessions?|token|pass|identity|administrator|recovery)\.[a-z]+)"`},
		{"every format of a scan is explained", "scan.md", "cmd/rootkeep/account/output.go", `(?m)^\tcase "([a-z]+)":`},
		{"what is sent to AWS is named", "scan.md", "internal/awsout/awsout.go", `"(securityhub:[A-Za-z]+)"`},
		{"what notices ask of AWS is named", "notify.md", "internal/awsout/awsout.go", `"((?:ses|sns):[A-Za-z]+)"`},
		{"every topic of notices is explained", "notify.md", "internal/notify/route.go", `\{"([a-z-]+)", "[^"]+"\},`},
		{"every key of a live source is explained", "watch.md", "internal/app/watch/sources/*.go", `yaml:"([a-z_]+)"`},
		{"every role is explained", "sign-in.md", "internal/people/people.go", `Role = "([a-z]+)"`},
		{"every entry about a notice is named", "notify.md", "internal/app/outbox/*.go", `"(notice\.[a-z]+)"`},
		{"every function of a notifier is explained", "notify.md", "internal/notify/template.go", `(?m)^\t\t"([a-z]+)": +\{"`},
		{"every key of a way of notices is explained", "notify.md", "internal/notify/[ahcrs]*.go", `yaml:"([a-z_]+)"`},
		{"every key of a notifier is explained", "notify.md", "internal/notify/notifier.go", `yaml:"([a-z_]+)"`},
		{"what anchors ask of S3 is named", "ledger.md", "internal/awsout/awsout.go", `"(s3:[A-Za-z]+)"`},
		{"every key of an anchor is explained", "ledger.md", "internal/anchor/anchor.go", `yaml:"([a-z_]+),omitempty"`},
		{"every key of a framework's clause is explained", "frameworks.md", "internal/posture/framework/framework.go", `(?m)^\s+\w+ +\S+ +.yaml:"([a-z]+)"`},
		{"every status of a clause is explained", "frameworks.md", "internal/posture/framework/coverage.go", `Status = "([a-z-]+)"`},
		{"every modifier is explained", "sigma.md", "sigma/value/modifier.go", `(?m)^\s+\w+ +(?:Operator|encoding) += "([a-z0-9]+)"`},
		{"every correlation type is explained", "sigma.md", "sigma/document.go", `CorrelationType = "([a-z_]+)"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			document, err := os.ReadFile(filepath.Join("../../docs", tt.document))
			if err != nil {
				t.Fatal(err)
			}
			sources, err := filepath.Glob(filepath.Join("../..", tt.sources))
			if err != nil {
				t.Fatal(err)
			}
			found := 0
			for _, path := range sources {
				source, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				for _, m := range regexp.MustCompile(tt.names).FindAllStringSubmatch(string(source), -1) {
					found++
					// A name may stand with others: `session: true`, `judge: {field, by}`.
					if !regexp.MustCompile("[`{ ]" + regexp.QuoteMeta(m[1]) + "[`:,}]").Match(document) {
						t.Errorf("%s: got no `%s`, which %s has", tt.document, m[1], path)
					}
				}
			}
			if found == 0 {
				t.Errorf("got no name in %s, want some", tt.sources)
			}
		})
	}
}
