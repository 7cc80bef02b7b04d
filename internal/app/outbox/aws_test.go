package outbox_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/app/outbox"
	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
	"github.com/rootkeep/rootkeep/internal/awssim/ses"
	"github.com/rootkeep/rootkeep/internal/awssim/simtest"
	"github.com/rootkeep/rootkeep/internal/notify"
)

// invoke makes a call as the administrator of the organization's management account.
func invoke(t *testing.T, o *simtest.Organization, service, operation string, parameters map[string]any) map[string]any {
	t.Helper()
	a := o.Account(cloud.AccountID(o.ID("management")))
	out, err := o.Invoke(cloud.Invocation{Caller: cloud.UserCaller(a, a.Users["admin"]), Region: "eu-west-1", Service: service, Operation: operation, Parameters: parameters})
	if err != nil {
		t.Fatalf("%s: %v", operation, err)
	}
	return out
}

func TestWaysOfAWS(t *testing.T) {
	o := simtest.Start(t, 3, nil)
	id := string(o.ID("management"))
	topic := "arn:aws:sns:eu-west-1:" + id + ":alerts"
	invoke(t, o, "sns", "CreateTopic", map[string]any{"Name": "alerts"})
	queue := invoke(t, o, "sqs", "CreateQueue", map[string]any{"QueueName": "inbox", "Attributes": map[string]any{
		"Policy": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"*"}]}`,
	}})
	invoke(t, o, "sns", "Subscribe", map[string]any{"TopicArn": topic, "Protocol": "sqs", "Endpoint": "arn:aws:sqs:eu-west-1:" + id + ":inbox"})
	file := filepath.Join(t.TempDir(), "ways.yaml")
	text := "ways:\n  - {name: mail, ses: {region: eu-west-1, from: rootkeep@example.com, to: [security@example.com]}}\n  - {name: topic, sns: {topic: '" + topic + "'}}\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	box := open(t, outbox.Settings{Ways: file}, nil)
	n := notify.Notice{
		ID: "NO-1", Topic: "alert", Severity: rootkeep.High, Title: "Root\r\nBcc: eve@example.net\x1b[2J é", Text: "one\n<b>\u202e", Thread: "AL-1", At: time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC),
		To: []string{"second@example.com", "not an address"},
	}
	if _, err := box.Try(t.Context(), "mail", n); err == nil || !notify.IsFinal(err) || !strings.Contains(err.Error(), "hint: verify the address") {
		t.Errorf("an address that is not verified: got %v", err)
	}
	invoke(t, o, "ses", "CreateEmailIdentity", map[string]any{"EmailIdentity": "example.com"})
	answer, err := box.Try(t.Context(), "mail", n)
	sent := ses.Sent(o.Account(cloud.AccountID(id)), "eu-west-1")
	if err != nil || len(sent) != 1 || answer != "SES took it as "+sent[0].ID || strings.Join(sent[0].To, " ") != "security@example.com second@example.com" {
		t.Fatalf("got %q, %v and %+v", answer, err, sent)
	}
	m, err := mail.ReadMessage(bytes.NewReader(sent[0].Raw))
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(m.Body)
	if err != nil || m.Header.Get("Bcc") != "" || m.Header.Get("References") == "" || strings.ContainsAny(string(body), "\x1b\u202e") {
		t.Errorf("got headers %v and %q, %v", m.Header, body, err)
	}
	if answer, err := box.Try(t.Context(), "topic", n); err != nil || !strings.HasPrefix(answer, "SNS took it as ") {
		t.Errorf("got %q, %v", answer, err)
	}
	got, err := json.Marshal(invoke(t, o, "sqs", "ReceiveMessage", map[string]any{"QueueUrl": queue["QueueUrl"]}))
	if err != nil || !strings.Contains(string(got), "[rootkeep high] Root") || !strings.Contains(string(got), "x1b[2J ?") {
		t.Errorf("got %s, %v, want the message, its subject in plain ASCII", got, err)
	}
}
