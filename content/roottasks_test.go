package content_test

import (
	"errors"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/rootkeep/rootkeep/content"
	"github.com/rootkeep/rootkeep/internal/access"
	"github.com/rootkeep/rootkeep/internal/rule"
)

// shippedKind says whether a kind of change is among the shipped ones.
func shippedKind(id string) bool {
	_, err := fs.Stat(content.Files, "changes/"+id+".yaml")
	return err == nil
}

func shippedTasks(t *testing.T) []*access.Task {
	t.Helper()
	lists, problems := access.LoadChecklists(rule.Source{FS: content.Files, Dir: "checklists"})
	tasks, more := access.LoadTasks(shippedKind, lists, rule.Source{FS: content.Files, Dir: "roottasks"})
	if err := errors.Join(append(problems, more...)...); err != nil {
		t.Fatal(err)
	}
	return tasks
}

// Loading runs the cases of each file, and refuses one whose cases leave something out.
func TestEveryRootTaskLoadsAndItsCasesHold(t *testing.T) {
	tasks := shippedTasks(t)
	count := map[access.Need]int{}
	paths := map[string]bool{}
	for _, task := range tasks {
		count[task.Need]++
		for _, w := range task.Ways {
			paths[w.Change] = true
		}
		if len(task.RunCases()) == 0 {
			t.Errorf("%s has no case", task.ID)
		}
	}
	for need, least := range map[access.Need]int{access.NeedsRoot: 20, access.NotRoot: 10, access.Never: 8} {
		if count[need] < least {
			t.Errorf("%d tasks of need %s, want %d or more", count[need], need, least)
		}
	}
	for _, kind := range []string{"root-credentials-delete", "root-recovery-allow", "root-recovery-close", "bucket-unlock", "queue-unlock"} {
		if !paths[kind] {
			t.Errorf("no task is done with the change %s", kind)
		}
	}
}

// A wrong name would put nothing in scope, and nobody would see it before the day.
func TestRootTasksNameEventsThatCloudTrailHas(t *testing.T) {
	known := map[string][]string{}
	for _, file := range []string{"api/operations.txt", "api/events.txt"} {
		text, err := content.Files.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			sources, names, _ := strings.Cut(strings.TrimSpace(line), " ")
			for source := range strings.SplitSeq(sources, ",") {
				known[source] = append(known[source], strings.Fields(names)...)
			}
		}
	}
	for _, task := range shippedTasks(t) {
		for holder, w := range task.Ways {
			for _, e := range w.Events {
				source, name, _ := strings.Cut(e, " ")
				begin, open := strings.CutSuffix(name, "*")
				if !slices.ContainsFunc(known[source], func(n string) bool { return n == name || n == "*" || open && strings.HasPrefix(n, begin) }) {
					t.Errorf("%s of %s: %s knows no event %s", task.ID, holder, source, name)
				}
			}
		}
	}
}

// Texts speak of other tasks as "task change-root-email" and of "change root-recovery-allow".
func TestRootTasksNameOnlyWhatIsThere(t *testing.T) {
	tasks := shippedTasks(t)
	templates := shippedTemplates(t)
	for _, task := range tasks {
		texts := []string{task.Why, task.Instead}
		for _, h := range access.Holders() {
			texts = append(texts, task.Without(h))
			for _, i := range task.Ways[h].Items {
				texts = append(texts, i.Text)
			}
		}
		words := strings.FieldsFunc(strings.Join(texts, " "), func(r rune) bool { return strings.ContainsRune(" ().,", r) })
		for i, w := range words[:max(0, len(words)-1)] {
			named := words[i+1]
			if !strings.Contains(named, "-") {
				continue
			}
			_, isTemplate := templates.Find(named)
			switch {
			case (w == "task" || w == "tasks") && access.Find(tasks, named) == nil:
				t.Errorf("%s speaks of the task %q, which is not there", task.ID, named)
			case w == "change" && !shippedKind(named):
				t.Errorf("%s speaks of the change %q, which is not there", task.ID, named)
			case (w == "template" || w == "templates") && !isTemplate:
				t.Errorf("%s speaks of the template %q, which is not there", task.ID, named)
			}
		}
	}
}

// What takes an account over, or away, is in the scope of the tasks that are for it, and
// of no other: a request for an invoice explains no closing of the account.
func TestGraveActsAreInTheScopeOfTheirTasksAlone(t *testing.T) {
	for event, want := range map[string][]string{
		"account.amazonaws.com CloseAccount":                  {"close-account"},
		"billingconsole.amazonaws.com CloseAccount":           {"close-account"},
		"billingconsole.amazonaws.com SetAccountPreferences":  {"change-root-email", "change-root-password"}, // address and password
		"billingconsole.amazonaws.com SetIAMAccessPreference": {"activate-billing-access"},
		"billingconsole.amazonaws.com SetContactAddress":      nil,
		"billingconsole.amazonaws.com SetSecurityQuestions":   nil,
		"billingconsole.amazonaws.com SetPayInformation":      nil,
		"invoicing.amazonaws.com DeleteInvoiceUnit":           nil,
		"account.amazonaws.com PutContactInformation":         nil,
		"account.amazonaws.com PutAlternateContact":           nil,
		"organizations.amazonaws.com LeaveOrganization":       nil,
		"iam.amazonaws.com CreateAccessKey":                   nil,
		"iam.amazonaws.com UploadSigningCertificate":          nil,
		"iam.amazonaws.com CreateServiceSpecificCredential":   nil,
		"iam.amazonaws.com CreateUser":                        {"first-administrator"},
		"cloudtrail.amazonaws.com StopLogging":                nil,
		"s3.amazonaws.com DeleteBucket":                       nil,
		"kms.amazonaws.com PutKeyPolicy":                      nil,
	} {
		source, name, _ := strings.Cut(event, " ")
		var got []string
		for _, task := range shippedTasks(t) {
			for _, w := range task.Ways {
				if access.Covers(w.Events, source, name) && !slices.Contains(got, task.ID) {
					got = append(got, task.ID)
				}
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: got it in the scope of %v, want %v", event, got, want)
		}
	}
}
