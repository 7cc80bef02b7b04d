// Package provider holds the operations of IAM on what stands beside users and roles:
// identity providers, server certificates, SSH keys, service-specific credentials.
package provider

import (
	"crypto/md5"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
	"github.com/rootkeep/rootkeep/internal/awssim/iamsvc/entity"
)

// Operations lists them.
func Operations() []*cloud.Operation {
	return []*cloud.Operation{
		cloud.Op("UploadSSHPublicKey", uploadSSHKey),
		cloud.Op("ListSSHPublicKeys", listSSHKeys),
		cloud.Op("UpdateSSHPublicKey", updateSSHKey),
		cloud.Op("DeleteSSHPublicKey", deleteSSHKey),
		cloud.Op("CreateServiceSpecificCredential", createServiceCredential),
		cloud.Op("ListServiceSpecificCredentials", listServiceCredentials),
		cloud.Op("UpdateServiceSpecificCredential", updateServiceCredential),
		cloud.Op("DeleteServiceSpecificCredential", deleteServiceCredential),
		cloud.Op("UploadServerCertificate", uploadCertificate),
		cloud.Op("ListServerCertificates", listCertificates),
		cloud.Op("DeleteServerCertificate", deleteCertificate),
		cloud.Op("CreateSAMLProvider", createSAML),
		cloud.Op("ListSAMLProviders", listSAML),
		cloud.Op("CreateOpenIDConnectProvider", createOIDC),
		cloud.Op("GetOpenIDConnectProvider", getOIDC),
		cloud.Op("ListOpenIDConnectProviders", listOIDC),
	}
}

// state is what an account has of them. SSH keys and service credentials go with the
// user they belong to.
type state struct {
	sshKeys     []sshKey
	credentials []serviceCredential
	servers     map[string]*certificate
	saml        map[string]*samlShape // by ARN
	oidc        map[string]*oidcShape // by ARN
}

func of(a *cloud.Account) *state {
	s := cloud.Regional[state](a, "")
	if s.servers == nil {
		s.servers, s.saml, s.oidc = map[string]*certificate{}, map[string]*samlShape{}, map[string]*oidcShape{}
	}
	return s
}

// Counts are the numbers of identity providers and server certificates.
func Counts(a *cloud.Account) (providers, servers int) {
	s := of(a)
	return len(s.saml) + len(s.oidc), len(s.servers)
}

// Holds says whether a user has SSH keys or service-specific credentials.
func Holds(a *cloud.Account, u *cloud.User) bool {
	s := of(a)
	return slices.ContainsFunc(s.sshKeys, func(k sshKey) bool { return k.owner == u }) ||
		slices.ContainsFunc(s.credentials, func(k serviceCredential) bool { return k.owner == u })
}

type sshKey struct {
	owner                                                           *cloud.User
	UserName, SSHPublicKeyId, Fingerprint, SSHPublicKeyBody, Status string
	UploadDate                                                      time.Time
}

type uploadSSHIn struct {
	entity.OnUser
	SSHPublicKeyBody string `aws:",must"`
}

type sshOut struct{ SSHPublicKey sshKey }

func uploadSSHKey(c *cloud.Call, in uploadSSHIn) (out sshOut, err error) {
	u, err := in.User(c)
	switch {
	case err != nil:
		return out, err
	case !strings.HasPrefix(in.SSHPublicKeyBody, "ssh-rsa ") && !strings.HasPrefix(in.SSHPublicKeyBody, "-----BEGIN PUBLIC KEY-----"):
		return out, cloud.Fail("InvalidPublicKey", 400, "Unable to parse public key.")
	}
	sum := md5.Sum([]byte(in.SSHPublicKeyBody))
	k := sshKey{u, u.Name, c.Cloud.UniqueID("APKA"), hex.EncodeToString(sum[:]), in.SSHPublicKeyBody, "Active", c.Now}
	s := of(c.Account)
	s.sshKeys = append(s.sshKeys, k)
	return sshOut{k}, nil
}

type selfPaged struct {
	entity.OnSelf
	entity.Paged
}

type sshShape struct {
	UserName, SSHPublicKeyId, Status string
	UploadDate                       time.Time
}

type sshKeysOut struct {
	SSHPublicKeys []sshShape
	entity.Page
}

func listSSHKeys(c *cloud.Call, in selfPaged) (out sshKeysOut, err error) {
	who, err := in.Subject(c)
	if err != nil {
		return out, err
	}
	var all []sshShape
	for _, k := range of(c.Account).sshKeys {
		if k.owner == who.User && who.User != nil {
			all = append(all, sshShape{who.Name(), k.SSHPublicKeyId, k.Status, k.UploadDate})
		}
	}
	out.SSHPublicKeys, out.Page, err = entity.Cut(c, in.Paged, all)
	return out, err
}

type deleteSSHIn struct {
	entity.OnUser
	SSHPublicKeyId string `aws:",must"`
}

type updateSSHIn struct {
	deleteSSHIn
	Status string `aws:",must"`
}

func updateSSHKey(c *cloud.Call, in updateSSHIn) (cloud.None, error) {
	u, err := in.User(c)
	if err == nil {
		err = entity.CheckStatus(c, in.Status)
	}
	if err != nil {
		return cloud.None{}, err
	}
	s := of(c.Account)
	i := slices.IndexFunc(s.sshKeys, func(k sshKey) bool { return k.owner == u && k.SSHPublicKeyId == in.SSHPublicKeyId })
	if i < 0 {
		return cloud.None{}, noSSHKey(in.SSHPublicKeyId)
	}
	s.sshKeys[i].Status = in.Status
	return cloud.None{}, nil
}

func noSSHKey(id string) error {
	return cloud.Fail("NoSuchEntity", 404, "The Public Key with id %s cannot be found.", id)
}

func deleteSSHKey(c *cloud.Call, in deleteSSHIn) (cloud.None, error) {
	u, err := in.User(c)
	if err != nil {
		return cloud.None{}, err
	}
	s := of(c.Account)
	before := len(s.sshKeys)
	s.sshKeys = slices.DeleteFunc(s.sshKeys, func(k sshKey) bool { return k.owner == u && k.SSHPublicKeyId == in.SSHPublicKeyId })
	if len(s.sshKeys) == before {
		return cloud.None{}, noSSHKey(in.SSHPublicKeyId)
	}
	return cloud.None{}, nil
}

type certificate struct {
	Path, ServerCertificateName, ServerCertificateId, Arn string
	UploadDate, Expiration                                time.Time
}

type onCertificate struct {
	ServerCertificateName string `aws:",must"`
}

// On is the certificate's ARN.
func (o *onCertificate) On(c *cloud.Call) cloud.Resource {
	if k := of(c.Account).servers[o.ServerCertificateName]; k != nil {
		return cloud.Resource{ARN: k.Arn}
	}
	return cloud.Resource{ARN: c.Account.IAM("server-certificate/" + o.ServerCertificateName)}
}

type uploadIn struct {
	onCertificate
	Path             string
	CertificateBody  string `aws:",must"`
	PrivateKey       string `aws:",must,secret"`
	CertificateChain string
}

type certificateOut struct{ ServerCertificateMetadata certificate }

func uploadCertificate(c *cloud.Call, in uploadIn) (out certificateOut, err error) {
	s := of(c.Account)
	if err := entity.CheckPath(c, &in.Path); err != nil {
		return out, err
	}
	if err := entity.CheckName(c, "serverCertificateName", in.ServerCertificateName, 128); err != nil {
		return out, err
	}
	if s.servers[in.ServerCertificateName] != nil {
		return out, entity.Exists("The Server Certificate", in.ServerCertificateName)
	}
	block, _ := pem.Decode([]byte(in.CertificateBody))
	if block == nil || block.Type != "CERTIFICATE" {
		return out, cloud.Fail("MalformedCertificate", 400, "Unable to parse certificate. Please ensure the certificate is in PEM format.")
	}
	parsed, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return out, cloud.Fail("MalformedCertificate", 400, "Unable to parse certificate: %v", err)
	}
	k := &certificate{in.Path, in.ServerCertificateName, c.Cloud.UniqueID("ASCA"), c.Account.IAM("server-certificate" + in.Path + in.ServerCertificateName), c.Now, parsed.NotAfter.UTC()}
	s.servers[k.ServerCertificateName] = k
	return certificateOut{*k}, nil
}

type certificatesOut struct {
	ServerCertificateMetadataList []certificate
	entity.Page
}

func listCertificates(c *cloud.Call, in entity.UnderPath) (out certificatesOut, err error) {
	var all []certificate
	for _, k := range cloud.Sorted(of(c.Account).servers) {
		if in.Has(k.Path) {
			all = append(all, *k)
		}
	}
	out.ServerCertificateMetadataList, out.Page, err = entity.Cut(c, in.Paged, all)
	return out, err
}

func deleteCertificate(c *cloud.Call, in onCertificate) (cloud.None, error) {
	s := of(c.Account)
	if s.servers[in.ServerCertificateName] == nil {
		return cloud.None{}, entity.Missing("Server Certificate", in.ServerCertificateName)
	}
	delete(s.servers, in.ServerCertificateName)
	return cloud.None{}, nil
}

type samlShape struct {
	Arn                    string
	ValidUntil, CreateDate time.Time
}

type createSAMLIn struct {
	SAMLMetadataDocument string `aws:",must"`
	Name                 string `aws:",must"`
}

// On is the ARN that the provider will have.
func (in *createSAMLIn) On(c *cloud.Call) cloud.Resource {
	return cloud.Resource{ARN: c.Account.IAM("saml-provider/" + in.Name)}
}

type samlOut struct{ SAMLProviderArn string }

// samlLife is how long a provider's metadata is taken to hold; AWS reads it there.
const samlLife = 100 * 365 * 24 * time.Hour

func createSAML(c *cloud.Call, in createSAMLIn) (out samlOut, err error) {
	arn := c.Account.IAM("saml-provider/" + in.Name)
	switch {
	case of(c.Account).saml[arn] != nil:
		return out, entity.Exists("Provider", in.Name)
	case !strings.Contains(in.SAMLMetadataDocument, "EntityDescriptor"):
		return out, cloud.Fail("InvalidInput", 400, "Could not parse metadata")
	}
	of(c.Account).saml[arn] = &samlShape{arn, c.Now.Add(samlLife), c.Now}
	return samlOut{arn}, nil
}

type samlListOut struct{ SAMLProviderList []samlShape }

func listSAML(c *cloud.Call, _ cloud.None) (out samlListOut, err error) {
	for _, p := range cloud.Sorted(of(c.Account).saml) {
		out.SAMLProviderList = append(out.SAMLProviderList, *p)
	}
	return out, nil
}

type oidcShape struct {
	Url                          string
	ClientIDList, ThumbprintList []string
	CreateDate                   time.Time
	Tags                         []cloud.Tag
}

type createOIDCIn struct {
	Url                          string `aws:",must"`
	ClientIDList, ThumbprintList []string
	Tags                         []cloud.Tag
}

// On is the ARN that the provider will have.
func (in *createOIDCIn) On(c *cloud.Call) cloud.Resource {
	return cloud.Resource{ARN: c.Account.IAM("oidc-provider/" + strings.TrimPrefix(in.Url, "https://"))}
}

type oidcOut struct{ OpenIDConnectProviderArn string }

func createOIDC(c *cloud.Call, in createOIDCIn) (out oidcOut, err error) {
	u, err := url.Parse(in.Url)
	if err != nil || u.Scheme != "https" || u.Host == "" {
		return out, cloud.Fail("InvalidInput", 400, "Invalid Open ID Connect Provider URL")
	}
	arn := in.On(c).ARN
	if of(c.Account).oidc[arn] != nil {
		return out, entity.Exists("Provider", in.Url)
	}
	of(c.Account).oidc[arn] = &oidcShape{strings.TrimPrefix(in.Url, "https://"), in.ClientIDList, in.ThumbprintList, c.Now, in.Tags}
	return oidcOut{arn}, nil
}

type onOIDC struct {
	OpenIDConnectProviderArn string `aws:",must"`
}

// On is the provider's ARN.
func (o *onOIDC) On(*cloud.Call) cloud.Resource {
	return cloud.Resource{ARN: o.OpenIDConnectProviderArn}
}

func getOIDC(c *cloud.Call, in onOIDC) (out oidcShape, err error) {
	p := of(c.Account).oidc[in.OpenIDConnectProviderArn]
	if p == nil {
		return out, cloud.Fail("NoSuchEntity", 404, "OpenIDConnect Provider not found for arn %s", in.OpenIDConnectProviderArn)
	}
	return *p, nil
}

type oidcArn struct{ Arn string }

type oidcListOut struct{ OpenIDConnectProviderList []oidcArn }

func listOIDC(c *cloud.Call, _ cloud.None) (out oidcListOut, err error) {
	for _, arn := range slices.Sorted(maps.Keys(of(c.Account).oidc)) {
		out.OpenIDConnectProviderList = append(out.OpenIDConnectProviderList, oidcArn{arn})
	}
	return out, nil
}
