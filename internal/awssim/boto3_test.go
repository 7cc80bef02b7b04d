package awssim_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/internal/awssim"
	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
	"github.com/rootkeep/rootkeep/internal/awssim/sns"
)

// clientNames are boto3's names of the services where they differ from the name that
// signatures use.
var clientNames = map[string]string{"monitoring": "cloudwatch", "access-analyzer": "accessanalyzer", "ses": "sesv2"}

// company is an organization of three accounts, each with an administrator.
type company struct {
	*cloud.Cloud
	management, security, member *cloud.Account
	admins                       map[string]*cloud.AccessKey
}

func newCompany(t *testing.T, config cloud.Config) *company {
	t.Helper()
	c, err := awssim.New(config)
	if err != nil {
		t.Fatal(err)
	}
	out := &company{Cloud: c, admins: map[string]*cloud.AccessKey{}}
	now := c.Now()
	for _, a := range []struct {
		name, id string
		place    **cloud.Account
	}{{"management", "111111111111", &out.management}, {"security", "222222222222", &out.security}, {"member", "333333333333", &out.member}} {
		account, err := c.AddAccount(cloud.AccountID(a.id), a.name, a.name+"@example.com", now.AddDate(-1, 0, 0))
		if err != nil {
			t.Fatal(err)
		}
		*a.place = account
	}
	o, err := c.NewOrganization(out.management, now.AddDate(-1, 0, 0))
	if err != nil {
		t.Fatal(err)
	}
	o.Join(out.security, o.RootID)
	o.Join(out.member, o.RootID)
	for _, a := range []*cloud.Account{out.management, out.security, out.member} {
		u := &cloud.User{Holder: cloud.Holder{
			Name: "admin", Path: "/", ID: c.UniqueID("AIDA"), ARN: a.IAM("user/admin"), Created: now, Inline: map[string]string{},
			Attached: []string{"arn:aws:iam::aws:policy/AdministratorAccess"},
		}}
		a.Users["admin"] = u
		u.Keys = []*cloud.AccessKey{c.NewKey(cloud.UserCaller(a, u), now)}
		out.admins[a.Name] = u.Keys[0]
	}
	root := &out.management.Root
	root.Password = cloud.Password{Set: true, Created: root.Created, Changed: root.Created}
	device := &cloud.Device{Serial: out.management.IAM("mfa/root-account-mfa-device"), Owner: out.management.IAM("root"), Enabled: root.Created}
	root.MFA, out.management.Devices[device.Serial] = []*cloud.Device{device}, device
	out.member.Root.Keys = []*cloud.AccessKey{c.NewKey(cloud.RootCaller(out.member), now)}
	return out
}

// python is the interpreter that has boto3; the test is skipped without it.
func python(t *testing.T) string {
	t.Helper()
	path, err := filepath.Abs("../../.venv/python/bin/python")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Skip("skipped: .venv/python is not there; hint: make setup")
	}
	return path
}

// certificate is a self-made server certificate in PEM.
func certificate(t *testing.T) string {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	template := x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Date(2030, 1, 2, 0, 0, 0, 0, time.UTC)}
	der, err := x509.CreateCertificate(nil, &template, &template, public, private)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// TestEveryOperationAnswersBoto3 has AWS's own Python client call every operation, so
// that what is registered is what a foreign client understands.
func TestEveryOperationAnswersBoto3(t *testing.T) {
	interpreter := python(t)
	c := newCompany(t, cloud.Config{Clock: time.Now, Seed: 1})
	server := httptest.NewServer(c)
	defer server.Close()
	mail := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.Do(func() { io.WriteString(w, sns.Token(c.management, r.FormValue("topic"), r.FormValue("endpoint"))) })
	}))
	defer mail.Close()
	type account struct {
		ID     cloud.AccountID `json:"id"`
		Key    string          `json:"key"`
		Secret string          `json:"secret"`
	}
	input := struct {
		Endpoint string             `json:"endpoint"`
		Mail     string             `json:"mail"`        // tells the token of a pending subscription
		Server   string             `json:"certificate"` // a server certificate that ends in 2030
		Accounts map[string]account `json:"accounts"`
	}{server.URL, mail.URL, certificate(t), map[string]account{}}
	for _, a := range []*cloud.Account{c.management, c.security, c.member} {
		input.Accounts[a.Name] = account{a.ID, c.admins[a.Name].ID, c.admins[a.Name].Secret}
	}
	stdin, err := json.Marshal(input)
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command(interpreter, "-B", "testdata/boto3/main.py")
	command.Stdin = bytes.NewReader(stdin)
	var stderr bytes.Buffer
	command.Stderr = &stderr
	stdout, err := command.Output()
	if err != nil {
		t.Fatalf("python: %v\n%s", err, stderr.Bytes())
	}
	var report struct{ Called, Failures []string }
	if err := json.Unmarshal(stdout, &report); err != nil {
		t.Fatalf("python: %v in %s", err, stdout)
	}
	for _, f := range report.Failures {
		t.Error(f)
	}
	n := 0
	for _, s := range c.Services() {
		name := s.Name
		if other, ok := clientNames[name]; ok {
			name = other
		}
		for _, o := range s.Operations {
			if n++; !slices.Contains(report.Called, name+" "+o.Name) {
				t.Errorf("%s %s: boto3 did not call it successfully", name, o.Name)
			}
		}
	}
	t.Logf("%d operations of %d services", n, len(c.Services()))
}
