package awsout_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep/internal/awsout"
	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
	"github.com/rootkeep/rootkeep/internal/awssim/ses"
)

const message = "From: rootkeep@example.com\r\nSubject: root\r\n\r\nfire\r\n"

func (w *world) do(service, operation string, parameters map[string]any) map[string]any {
	w.t.Helper()
	out, err := w.Invoke(cloud.Invocation{Caller: w.admin, Region: "eu-west-1", Service: service, Operation: operation, Parameters: parameters})
	if err != nil {
		w.t.Fatalf("%s: %v", operation, err)
	}
	return out
}

func TestMailBySES(t *testing.T) {
	w := newWorld(t)
	w.do("ses", "CreateEmailIdentity", map[string]any{"EmailIdentity": "example.com"})
	p, err := awsout.OpenPost(t.Context(), awsout.Config{Region: "eu-west-1"})
	if err != nil {
		t.Fatal(err)
	}
	to := []string{"security@example.com", "second@example.com"}
	id, err := p.Mail(t.Context(), "rootkeep@example.com", to, []byte(message))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]ses.Mail{{ID: id, From: "rootkeep@example.com", To: to, Raw: []byte(message)}}, ses.Sent(w.Account(account), "eu-west-1")); diff != "" {
		t.Errorf("sent (-want +got):\n%s", diff)
	}
	_, err = p.Mail(t.Context(), "rootkeep@elsewhere.example", to, []byte(message))
	if err == nil || !awsout.Refused(err) || !strings.Contains(err.Error(), "hint: verify the address or its domain") {
		t.Errorf("got %v, want a refusal with a hint", err)
	}
}

func TestPublicationBySNS(t *testing.T) {
	w := newWorld(t)
	const name = "arn:aws:sns:eu-west-1:111111111111:alerts"
	w.do("sns", "CreateTopic", map[string]any{"Name": "alerts"})
	w.do("sns", "CreateTopic", map[string]any{"Name": "alerts.fifo", "Attributes": map[string]any{"FifoTopic": "true"}})
	for _, arn := range []string{name, name + ".fifo"} {
		topic, err := awsout.OpenTopic(t.Context(), awsout.Config{}, arn)
		if err != nil {
			t.Fatal(err)
		}
		if id, err := topic.Publish(t.Context(), "NO-1", "AL-1", "[rootkeep high] Root", "fire", map[string]string{"severity": "high", "account": ""}); err != nil || id == "" {
			t.Errorf("%s: got ID %q, %v", arn, id, err)
		}
	}
	gone, err := awsout.OpenTopic(t.Context(), awsout.Config{}, name+"-none")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := gone.Publish(t.Context(), "NO-1", "AL-1", "Root", "fire", nil); err == nil || !awsout.Refused(err) || !strings.Contains(err.Error(), "hint: check the topic's name") {
		t.Errorf("got %v, want a refusal with a hint", err)
	}
	for _, arn := range []string{"", "alerts", "arn:aws:sqs:eu-west-1:111111111111:alerts", "arn:aws:sns::111111111111:alerts"} {
		if _, err := awsout.OpenTopic(t.Context(), awsout.Config{}, arn); err == nil {
			t.Errorf("got a topic of %q, want a refusal", arn)
		}
	}
}

// What passes is tried again by whoever sends, and an answer without an ID is none.
func TestWhatAWSDidNotTake(t *testing.T) {
	for _, test := range []struct {
		name    string
		status  int
		answer  map[string]any
		refused bool
		want    string
	}{
		{"busy", 429, map[string]any{"__type": "TooManyRequestsException", "message": "later"}, false, "later"},
		{"broken", 500, map[string]any{"message": "oops"}, false, "oops"},
		{"no ID", 200, map[string]any{}, false, "without an ID"},
		{"denied", 403, map[string]any{"__type": "AccessDeniedException", "message": "no"}, true, "hint: allow ses:SendEmail"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			w.before = func(rw http.ResponseWriter, _ []byte) bool {
				rw.Header().Set("Content-Type", "application/json")
				rw.WriteHeader(test.status)
				text, err := json.Marshal(test.answer)
				if err != nil {
					t.Error(err)
				}
				_, _ = rw.Write(text)
				return true
			}
			p, err := awsout.OpenPost(t.Context(), awsout.Config{Region: "eu-west-1"})
			if err != nil {
				t.Fatal(err)
			}
			_, err = p.Mail(t.Context(), "rootkeep@example.com", []string{"security@example.com"}, []byte(message))
			if err == nil || awsout.Refused(err) != test.refused || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, refused %v, want %q, refused %v", err, awsout.Refused(err), test.want, test.refused)
			}
		})
	}
}
