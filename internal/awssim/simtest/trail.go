package simtest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/internal/awssim"
	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
)

// Direct answers requests without a network, so that the clock of testing/synctest stands
// still meanwhile.
type Direct struct{ *cloud.Cloud }

// RoundTrip is of http.RoundTripper. A client that waits no longer gets its context's
// error.
func (d Direct) RoundTrip(r *http.Request) (*http.Response, error) {
	recorder := httptest.NewRecorder()
	in := r.Clone(r.Context()) // as a server has it
	in.Host, in.RequestURI = r.URL.Host, r.URL.RequestURI()
	if in.Body == nil {
		in.Body = http.NoBody
	}
	d.ServeHTTP(recorder, in)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return recorder.Result(), nil
}

// The accounts and the bucket of Logged.
const (
	Management = cloud.AccountID("111122223333")
	Member     = cloud.AccountID("444455556666")
	Bucket     = "logs-of-example"
)

// Logged is an organization of two accounts, whose trail of all Regions delivers to a
// bucket of the management account.
type Logged struct {
	*cloud.Cloud
	Key   *cloud.AccessKey // of an administrator of the management account
	t     *testing.T
	ahead atomic.Int64 // nanoseconds that the simulation is before the test's clock
}

// NewLogged makes one on the clock of the test. The trail logs from now on.
func NewLogged(t *testing.T) *Logged {
	t.Helper()
	w := &Logged{t: t}
	c, err := awssim.New(cloud.Config{Clock: func() time.Time { return time.Now().Add(time.Duration(w.ahead.Load())) }, SigningClock: time.Now, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	w.Cloud = c
	for _, id := range []cloud.AccountID{Management, Member} {
		a, err := c.AddAccount(id, "account-"+string(id), string(id)+"@example.com", time.Now().AddDate(-1, 0, 0))
		if err != nil {
			t.Fatal(err)
		}
		u := &cloud.User{Holder: cloud.Holder{
			Name: "admin", Path: "/", ID: c.UniqueID("AIDA"), ARN: a.IAM("user/admin"), Created: time.Now(), Inline: map[string]string{},
			Attached: []string{"arn:aws:iam::aws:policy/AdministratorAccess"},
		}}
		a.Users["admin"] = u
		u.Keys = []*cloud.AccessKey{c.NewKey(cloud.UserCaller(a, u), time.Now())}
	}
	w.Key = c.Account(Management).Users["admin"].Keys[0]
	o, err := c.NewOrganization(c.Account(Management), time.Now().AddDate(-1, 0, 0))
	if err != nil {
		t.Fatal(err)
	}
	o.Join(c.Account(Member), o.RootID)
	w.Must("organizations", "EnableAWSServiceAccess", map[string]any{"ServicePrincipal": "cloudtrail.amazonaws.com"})
	w.Must("s3", "CreateBucket", map[string]any{"Bucket": Bucket})
	w.Let("cloudtrail.amazonaws.com")
	w.Must("cloudtrail", "CreateTrail", map[string]any{"Name": "audit", "S3BucketName": Bucket, "IsMultiRegionTrail": true, "IsOrganizationTrail": true, "EnableLogFileValidation": false})
	w.Must("cloudtrail", "StartLogging", map[string]any{"Name": "audit"})
	return w
}

// Let sets the policy of the bucket: this service writes, and with more those statements.
func (w *Logged) Let(service string, more ...string) {
	w.t.Helper()
	statements := append([]string{
		fmt.Sprintf(`{"Effect":"Allow","Principal":{"Service":%q},"Action":["s3:GetBucketAcl","s3:PutObject"],"Resource":["arn:aws:s3:::%s","arn:aws:s3:::%s/*"]}`, service, Bucket, Bucket),
	}, more...)
	w.Must("s3", "PutBucketPolicy", map[string]any{"Bucket": Bucket, "Policy": `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`})
}

// Must makes a call as administrator of the management account, in us-east-1.
func (w *Logged) Must(service, operation string, with map[string]any) map[string]any {
	w.t.Helper()
	a := w.Account(Management)
	out, err := w.Invoke(cloud.Invocation{Caller: cloud.UserCaller(a, a.Users["admin"]), Region: "us-east-1", Service: service, Operation: operation, Parameters: with})
	if err != nil {
		w.t.Fatalf("%s %s: %v", service, operation, err)
	}
	return out
}

// Queue makes a queue that these services may send to, and gives its URL and ARN.
func (w *Logged) Queue(name string, attributes map[string]any, services ...string) (url, arn string) {
	w.t.Helper()
	arn = "arn:aws:sqs:us-east-1:" + string(Management) + ":" + name
	all := map[string]any{}
	for k, v := range attributes {
		all[k] = v
	}
	if len(services) > 0 {
		all["Policy"] = fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":["%s"]},"Action":"sqs:SendMessage","Resource":%q}]}`, strings.Join(services, `","`), arn)
	}
	w.Must("sqs", "CreateQueue", map[string]any{"QueueName": name, "Attributes": all})
	return "https://sqs.us-east-1.amazonaws.com/" + string(Management) + "/" + name, arn
}

// DeliverNow has the trail deliver what it would deliver within five minutes.
func (w *Logged) DeliverNow() {
	w.ahead.Add(int64(5 * time.Minute))
	w.Tick()
}

// RootSignsIn is a sign-in of an account's root user from 198.51.100.n.
func (w *Logged) RootSignsIn(id cloud.AccountID, n int) {
	w.Do(func() {
		w.SignIn(cloud.RootCaller(w.Account(id)), "us-east-1", fmt.Sprintf("198.51.100.%d", n), "browser", true, true)
	})
}
