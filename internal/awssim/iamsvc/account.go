package iamsvc

import (
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
	"github.com/rootkeep/rootkeep/internal/awssim/iamsvc/entity"
	"github.com/rootkeep/rootkeep/internal/awssim/iamsvc/provider"
)

func accountOperations() []*cloud.Operation {
	return []*cloud.Operation{
		cloud.Op("GetAccountSummary", getSummary),
		cloud.Op("GetAccountAuthorizationDetails", getDetails),
		cloud.Op("GenerateCredentialReport", generateReport),
		cloud.Op("GetCredentialReport", getReport),
		cloud.Op("GetAccountPasswordPolicy", getPasswordPolicy),
		cloud.Op("UpdateAccountPasswordPolicy", updatePasswordPolicy),
		cloud.Op("DeleteAccountPasswordPolicy", deletePasswordPolicy),
		cloud.Op("ListAccountAliases", listAliases),
		cloud.Op("CreateAccountAlias", createAlias),
		cloud.Op("DeleteAccountAlias", deleteAlias),
		cloud.Op("ListOrganizationsFeatures", listFeatures),
		cloud.Op("EnableOrganizationsRootCredentialsManagement", switchFeature(credentials, true)),
		cloud.Op("DisableOrganizationsRootCredentialsManagement", switchFeature(credentials, false)),
		cloud.Op("EnableOrganizationsRootSessions", switchFeature(sessions, true)),
		cloud.Op("DisableOrganizationsRootSessions", switchFeature(sessions, false)),
	}
}

type summaryOut struct{ SummaryMap map[string]int }

func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}

func getSummary(c *cloud.Call, _ cloud.None) (summaryOut, error) {
	a, r := c.Account, &c.Account.Root
	used, versions := len(r.MFA), 0
	for _, u := range a.Users {
		used += len(u.MFA)
	}
	for _, p := range a.Policies {
		versions += len(p.Versions)
	}
	providers, servers := provider.Counts(a)
	return summaryOut{map[string]int{
		"AccountMFAEnabled": flag(len(r.MFA) > 0), "AccountAccessKeysPresent": flag(len(r.Keys) > 0), "AccountPasswordPresent": flag(r.Password.Set),
		"AccountSigningCertificatesPresent": flag(len(r.Certificates) > 0), "Users": len(a.Users), "UsersQuota": 5000, "Groups": len(a.Groups), "GroupsQuota": 300,
		"Roles": len(a.Roles), "RolesQuota": 1000, "Policies": len(a.Policies), "PoliciesQuota": 1500, "PolicyVersionsInUse": versions, "PolicyVersionsInUseQuota": 10000,
		"InstanceProfiles": len(a.Profiles), "InstanceProfilesQuota": 1000, "MFADevices": len(a.Devices), "MFADevicesInUse": used, "AccessKeysPerUserQuota": entity.MaxKeys,
		"SigningCertificatesPerUserQuota": entity.MaxKeys, "AttachedPoliciesPerUserQuota": maxAttached, "AttachedPoliciesPerGroupQuota": maxAttached,
		"AttachedPoliciesPerRoleQuota": maxAttached, "VersionsPerPolicyQuota": maxVersions, "GroupsPerUserQuota": 10, "Providers": providers, "ServerCertificates": servers,
		"ServerCertificatesQuota": 20, "UserPolicySizeQuota": 2048, "GroupPolicySizeQuota": 5120, "RolePolicySizeQuota": 10240, "PolicySizeQuota": 6144,
		"AssumeRolePolicySizeQuota": 2048, "GlobalEndpointTokenVersion": 1,
	}}, nil
}

type passwordPolicyShape struct {
	MinimumPasswordLength                                                                  int
	RequireSymbols, RequireNumbers, RequireUppercaseCharacters, RequireLowercaseCharacters bool
	AllowUsersToChangePassword, ExpirePasswords                                            bool
	MaxPasswordAge, PasswordReusePrevention                                                int `aws:",omit"`
	HardExpiry                                                                             bool
}

type passwordPolicyOut struct{ PasswordPolicy passwordPolicyShape }

func noPasswordPolicy(c *cloud.Call) error {
	return cloud.Fail("NoSuchEntity", 404, "The Password Policy with domain name %s cannot be found.", c.Account.ID)
}

func getPasswordPolicy(c *cloud.Call, _ cloud.None) (out passwordPolicyOut, err error) {
	p := c.Account.Password
	if p == nil {
		return out, noPasswordPolicy(c)
	}
	return passwordPolicyOut{passwordPolicyShape{
		p.MinimumLength, p.Symbols, p.Numbers, p.Uppercase, p.Lowercase, p.Self, p.MaxAge > 0, p.MaxAge, p.Reuse, p.HardExpiry,
	}}, nil
}

type updatePasswordPolicyIn struct {
	MinimumPasswordLength                                                                  int
	RequireSymbols, RequireNumbers, RequireUppercaseCharacters, RequireLowercaseCharacters bool
	AllowUsersToChangePassword, HardExpiry                                                 bool
	MaxPasswordAge, PasswordReusePrevention                                                int
}

func updatePasswordPolicy(c *cloud.Call, in updatePasswordPolicyIn) (cloud.None, error) {
	if in.MinimumPasswordLength == 0 {
		in.MinimumPasswordLength = 6
	}
	if in.MinimumPasswordLength < 6 || in.MinimumPasswordLength > 128 || in.MaxPasswordAge < 0 || in.MaxPasswordAge > 1095 || in.PasswordReusePrevention < 0 || in.PasswordReusePrevention > 24 {
		return cloud.None{}, c.Invalid("MinimumPasswordLength must be 6 to 128, MaxPasswordAge at most 1095, PasswordReusePrevention at most 24")
	}
	c.Account.Password = &cloud.PasswordPolicy{
		MinimumLength: in.MinimumPasswordLength, MaxAge: in.MaxPasswordAge, Reuse: in.PasswordReusePrevention, Symbols: in.RequireSymbols, Numbers: in.RequireNumbers,
		Uppercase: in.RequireUppercaseCharacters, Lowercase: in.RequireLowercaseCharacters, Self: in.AllowUsersToChangePassword, HardExpiry: in.HardExpiry,
	}
	return cloud.None{}, nil
}

func deletePasswordPolicy(c *cloud.Call, _ cloud.None) (cloud.None, error) {
	if c.Account.Password == nil {
		return cloud.None{}, noPasswordPolicy(c)
	}
	c.Account.Password = nil
	return cloud.None{}, nil
}

type aliasesOut struct {
	AccountAliases []string
	entity.Page
}

func listAliases(c *cloud.Call, in entity.Paged) (out aliasesOut, err error) {
	var all []string
	if c.Account.Alias != "" {
		all = []string{c.Account.Alias}
	}
	out.AccountAliases, out.Page, err = entity.Cut(c, in, all)
	return out, err
}

type aliasIn struct {
	AccountAlias string `aws:",must"`
}

func createAlias(c *cloud.Call, in aliasIn) (cloud.None, error) {
	if len(in.AccountAlias) < 3 || len(in.AccountAlias) > 63 || strings.Trim(in.AccountAlias, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		return cloud.None{}, c.Invalid("The specified value for accountAlias is invalid.")
	}
	for _, a := range c.Cloud.Accounts() {
		if a != c.Account && a.Alias == in.AccountAlias {
			return cloud.None{}, cloud.Fail("EntityAlreadyExists", 409, "The account alias %s already exists.", in.AccountAlias)
		}
	}
	c.Account.Alias = in.AccountAlias
	return cloud.None{}, nil
}

func deleteAlias(c *cloud.Call, in aliasIn) (cloud.None, error) {
	if c.Account.Alias != in.AccountAlias {
		return cloud.None{}, cloud.Fail("NoSuchEntity", 404, "The account alias %s cannot be found.", in.AccountAlias)
	}
	c.Account.Alias = ""
	return cloud.None{}, nil
}

type featuresOut struct {
	OrganizationId  string
	EnabledFeatures []string
}

type feature uint8

const (
	credentials feature = iota
	sessions
)

// iamPrincipal is who needs trusted access for centralized root access.
const iamPrincipal = "iam.amazonaws.com"

// organization checks what all operations of centralized root access ask for; only the
// management account may turn a feature on.
func organization(c *cloud.Call, enabling bool) (*cloud.Organization, error) {
	o := c.Cloud.Organization
	switch {
	case !o.Member(c.Account):
		return nil, cloud.Fail("OrganizationNotFoundException", 404, "The account is not a member of an organization.")
	case enabling && c.Account.ID != o.Management:
		return nil, cloud.Fail("CallerIsNotManagementAccountException", 403, "The account making the call is not the management account of the organization.")
	case o.BillingOnly:
		return nil, cloud.Fail("OrganizationNotInAllFeaturesModeException", 400, "The organization does not have all features enabled.")
	case !o.Administers(c.Account, iamPrincipal):
		return nil, cloud.Fail("AccountNotManagementOrDelegatedAdministratorException", 403, "The account making the call is not the management account or delegated administrator account for the organization.")
	case o.ServiceAccess[iamPrincipal].IsZero():
		return nil, cloud.Fail("ServiceAccessNotEnabledException", 400, "Trusted access is not enabled for IAM in Organizations.")
	}
	return o, nil
}

func features(o *cloud.Organization) featuresOut {
	out := featuresOut{OrganizationId: o.ID}
	if o.RootCredentials {
		out.EnabledFeatures = append(out.EnabledFeatures, "RootCredentialsManagement")
	}
	if o.RootSessions {
		out.EnabledFeatures = append(out.EnabledFeatures, "RootSessions")
	}
	return out
}

func listFeatures(c *cloud.Call, _ cloud.None) (featuresOut, error) {
	o, err := organization(c, false)
	if err != nil {
		return featuresOut{}, err
	}
	return features(o), nil
}

func switchFeature(f feature, on bool) func(*cloud.Call, cloud.None) (featuresOut, error) {
	return func(c *cloud.Call, _ cloud.None) (featuresOut, error) {
		o, err := organization(c, on)
		if err != nil {
			return featuresOut{}, err
		}
		if f == credentials {
			o.RootCredentials = on
		} else {
			o.RootSessions = on
		}
		return features(o), nil
	}
}

// kinds are the filters of GetAccountAuthorizationDetails.
var kinds = []string{"User", "Group", "Role", "LocalManagedPolicy", "AWSManagedPolicy"}

func checkFilter(c *cloud.Call, filter []string) error {
	for _, f := range filter {
		if !slices.Contains(kinds, f) {
			return c.Invalid("Filter %s is not one of %s", f, strings.Join(kinds, ", "))
		}
	}
	return nil
}
