package awsread

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/smithy-go"

	"github.com/rootkeep/rootkeep/internal/awsread/call"
	"github.com/rootkeep/rootkeep/internal/awsread/credential"
	"github.com/rootkeep/rootkeep/internal/facts"
)

// refused says that AWS does not know the key, or not in that Region.
func refused(err error) bool {
	return slices.Contains([]string{"InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch", "InvalidSignatureException"}, call.Code(err))
}

// expired says that the credentials of a call are of no use any more, or are not to be
// had: another call with them would fare no better.
func expired(err error) bool {
	if unavailable(err) {
		return true
	}
	return slices.Contains([]string{"ExpiredToken", "ExpiredTokenException", "RequestExpired"}, call.Code(err))
}

func unavailable(err error) bool {
	_, ok := errors.AsType[*credential.Error](err)
	return ok
}

func stale(err error) error {
	what := "have expired"
	if unavailable(err) {
		what = "cannot be renewed"
	}
	return credential.Hint(fmt.Errorf("the AWS credentials %s: %w", what, err), "sign in again, for instance with aws login or aws sso login")
}

// signedOut is that the credentials with which the reading of an organization began are
// of no use any more: no other account can be entered either.
type signedOut struct{ err error }

func (e *signedOut) Error() string { return e.err.Error() }

func (e *signedOut) Unwrap() error { return e.err }

// forManagement is why a member is told nothing of its organization. No permission
// would change that, so that none is named.
const forManagement = "is answered to the management account and to delegated administrators alone"

// memberOnly says that AWS refuses because of who the account is, not for want of a
// permission. Of Organizations the text alone tells the two apart.
func memberOnly(err smithy.APIError) bool {
	switch err.ErrorCode() {
	case "AccountNotManagementOrDelegatedAdministratorException":
		return true
	case "AccessDeniedException":
		return strings.HasPrefix(err.ErrorMessage(), "You don't have permissions to access this resource")
	}
	return false
}

// failure is why an operation told nothing. Equal failures of several Regions are one.
type failure struct {
	call   string // the operation whose facts are lost
	action string // the one that failed, which may be another on the way to it
	why    string
	key    string // of the one resource that it is about, "" for all
}

func failureOf(t *task) failure {
	f := failure{call: t.Action, action: t.Action, key: t.target.Key}
	var on *smithy.OperationError
	if errors.As(t.err, &on) {
		// Where the API and IAM name an operation differently, the action is the task's.
		service, _, _ := strings.Cut(t.Action, ":")
		if on.ServiceID == "STS" {
			service = "sts" // the session on the way to it
		}
		name := service + ":" + on.OperationName
		if slices.ContainsFunc(slices.Concat(Operations(), OrganizationOperations()), func(o call.Operation) bool { return o.Action == name }) {
			f.action = name
		}
	}
	f.why = why(t.err)
	var other call.Elsewhere
	if errors.As(t.err, &other) {
		f.action, f.why = "", short(other.Error())
	}
	return f
}

// why is what went wrong with a call, to follow its name.
func why(err error) string {
	var api smithy.APIError
	switch {
	case errors.As(err, &api) && memberOnly(api):
		return forManagement
	case call.Denied(err) && errors.As(err, &api) && strings.Contains(api.ErrorMessage(), "service control policy"):
		return "denied by a service control policy"
	case call.Denied(err):
		return "denied"
	case errors.As(err, &api):
		return "failed: " + short(api.ErrorCode()+": "+api.ErrorMessage())
	}
	return "failed: " + short(err.Error())
}

// short bounds text that comes from outside.
func short(s string) string {
	const most = 300
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "..."
	}
	return s
}

// failures of tasks, each with the Regions that it is of, in the order of first sight.
type failures struct {
	order   []failure
	regions map[failure][]string
	places  int // Regions that were read
}

func (f *failures) add(t *task) {
	key := failureOf(t)
	switch {
	case t.Regional && ofRegions(t.Action):
		key.key = t.region // the others are known
		f.put(key, t.region)
	case t.Regional && key.action != "":
		f.put(key, t.region)
	default:
		f.put(key)
	}
}

// ofRegions says whether a call tells facts of the Region that it was made in.
func ofRegions(call string) bool {
	paths := pathsOf(call)
	return len(paths) > 0 && !slices.ContainsFunc(paths, func(p string) bool { return !strings.HasPrefix(p, "regions.") })
}

// spread makes the failures of the operation that another needs failures of that one
// too: those of a Region or of one resource there, any other if nothing is left to ask
// about.
func (f *failures) spread(o call.Operation, about []*task) {
	for _, failure := range slices.Clone(f.order) {
		if failure.call != o.Needs || o.Needs == "" {
			continue
		}
		regions := f.regions[failure]
		failure.call = o.Action
		if !ofRegions(o.Action) && (failure.key == "" || ofRegions(o.Needs)) {
			failure.key = ""
			if len(about) > 0 {
				continue
			}
		}
		f.put(failure, regions...)
	}
}

// lack says whether an operation failed on one resource.
func (f *failures) lack(call, key string) bool {
	return call != "" && key != "" && slices.ContainsFunc(f.order, func(had failure) bool { return had.call == call && had.key == key })
}

func (f *failures) put(key failure, regions ...string) {
	if f.regions == nil {
		f.regions = map[failure][]string{}
	}
	if _, ok := f.regions[key]; !ok {
		f.order = append(f.order, key)
	}
	f.regions[key] = append(f.regions[key], regions...)
}

// gaps takes out of the snapshot all facts that the failed operations would tell, even
// those that an older source told: a part of a list is not the list.
func (f *failures) gaps(s *facts.Snapshot) {
	for _, failure := range f.order {
		reason, some := strings.TrimSpace(failure.action+" "+failure.why), ""
		if regions := f.regions[failure]; len(regions) > 0 {
			slices.Sort(regions)
			reason = failure.action + " in " + strings.Join(regions, ", ") + " " + failure.why
			if len(regions) < f.places {
				some = strings.Join(regions, ",")
			}
		}
		permission := failure.action
		if failure.why == forManagement {
			permission = ""
		}
		for _, path := range pathsOf(failure.call) {
			s.Gaps = append(s.Gaps, facts.Gap{Path: path, Resource: failure.key, Regions: some, Permission: permission, Reason: reason})
		}
	}
	sortGaps(s)
}

func sortGaps(s *facts.Snapshot) {
	slices.SortStableFunc(s.Gaps, func(a, b facts.Gap) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Resource, b.Resource), cmp.Compare(a.Reason, b.Reason))
	})
}

// pathsOf are the facts that a call tells.
func pathsOf(call string) []string {
	var out []string
	for _, p := range facts.Paths() {
		if p.Call == call {
			out = append(out, p.Name)
		}
	}
	return out
}
