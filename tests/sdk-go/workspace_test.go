package sdk

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	ml "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/machinelearning/armmachinelearning/v4"
)

const (
	// Of Microsoft's documents, and of tests/emulator/seeds/default.json.
	subscription = "6560575d-fa06-4e7d-95fb-f962e74efd7a"
	group        = "yogi-res-group"
	providers    = "/subscriptions/" + subscription + "/resourceGroups/" + group + "/providers"
	pools        = providers + "/Microsoft.Synapse/workspaces/yogi-synapse-ws/bigDataPools"
	pool         = pools + "/yogisparkpool"
	identities   = providers + "/Microsoft.ManagedIdentity/userAssignedIdentities"
)

// users are the user-assigned identities, each with its principal and its client.
var users = map[string]ml.UserAssignedIdentity{
	identities + "/id-zeta":  {PrincipalID: to.Ptr("aaaaaaaa-0000-4000-8000-000000000001"), ClientID: to.Ptr("aaaaaaaa-0000-4000-8000-000000000002")},
	identities + "/id-alpha": {PrincipalID: to.Ptr("bbbbbbbb-0000-4000-8000-000000000001"), ClientID: to.Ptr("bbbbbbbb-0000-4000-8000-000000000002")},
}

// Operations take a tenth of a second; the client would look every 30.
var often = &runtime.PollUntilDoneOptions{Frequency: 50 * time.Millisecond}

// workspace is a Machine Learning workspace that only one test uses, and the client of its computes.
type workspace struct {
	*ml.ComputeClient
	name, id string
}

var workspaces int

// newWorkspace adds an empty workspace, and the identities.
func newWorkspace(t *testing.T) workspace {
	t.Helper()
	workspaces++
	name := fmt.Sprintf("ws-%d", workspaces)
	id := providers + "/Microsoft.MachineLearningServices/workspaces/" + name
	var seeded []map[string]any
	for user, ids := range users {
		seeded = append(seeded, map[string]any{"id": user, "principalId": ids.PrincipalID, "clientId": ids.ClientID})
	}
	azure.seed(t, map[string]any{"workspaces": []any{map[string]any{"id": id, "location": "eastus2"}}, "identities": seeded})
	return workspace{newClient(t, secret), name, id}
}

// newClient leads azidentity and the client to the emulator.
func newClient(t *testing.T, secret string) *ml.ComputeClient {
	t.Helper()
	manager := cloud.AzurePublic.Services[cloud.ResourceManager]
	manager.Endpoint = azure.Endpoint
	options := azcore.ClientOptions{
		Cloud: cloud.Configuration{
			ActiveDirectoryAuthorityHost: azure.Authority,
			Services:                     map[cloud.ServiceName]cloud.ServiceConfiguration{cloud.ResourceManager: manager},
		},
		Transport: azure.http,
	}
	credential, err := azidentity.NewClientSecretCredential(tenant, clientID, secret, &azidentity.ClientSecretCredentialOptions{
		ClientOptions:            options,
		DisableInstanceDiscovery: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	client, err := ml.NewComputeClient(subscription, credential, &arm.ClientOptions{ClientOptions: options})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// spark is a compute that is attached to a pool.
func spark(pool string, identity *ml.ManagedServiceIdentity) ml.ComputeResource {
	return ml.ComputeResource{
		Location:   to.Ptr("eastus2"),
		Identity:   identity,
		Properties: &ml.SynapseSpark{ComputeType: to.Ptr(ml.ComputeTypeSynapseSpark), ResourceID: to.Ptr(pool)},
	}
}

// identity is one of this type with these user-assigned identities.
func identity(kind ml.ManagedServiceIdentityType, users ...string) *ml.ManagedServiceIdentity {
	result := &ml.ManagedServiceIdentity{Type: to.Ptr(kind)}
	for _, user := range users {
		if result.UserAssignedIdentities == nil {
			result.UserAssignedIdentities = map[string]*ml.UserAssignedIdentity{}
		}
		result.UserAssignedIdentities[user] = &ml.UserAssignedIdentity{}
	}
	return result
}

// bothUsers are the IDs of the user-assigned identities.
func bothUsers() []string {
	return []string{identities + "/id-zeta", identities + "/id-alpha"}
}

// begin sends the PUT of a compute.
func (one workspace) begin(t *testing.T, name string, compute ml.ComputeResource) (*runtime.Poller[ml.ComputeClientCreateOrUpdateResponse], error) {
	return one.BeginCreateOrUpdate(t.Context(), group, one.name, name, compute, nil)
}

// put creates or updates a compute, and returns what the client shows when the operation has ended.
func (one workspace) put(t *testing.T, name string, compute ml.ComputeResource) (ml.ComputeResource, error) {
	t.Helper()
	poller, err := one.begin(t, name, compute)
	if err != nil {
		return ml.ComputeResource{}, err
	}
	done, err := poller.PollUntilDone(t.Context(), often)
	return done.ComputeResource, err
}

// attach is put, which has to succeed.
func (one workspace) attach(t *testing.T, name string, compute ml.ComputeResource) ml.ComputeResource {
	t.Helper()
	shown, err := one.put(t, name, compute)
	if err != nil {
		t.Fatal(err)
	}
	return shown
}

// detach has to succeed.
func (one workspace) detach(t *testing.T, name string) {
	t.Helper()
	poller, err := one.BeginDelete(t.Context(), group, one.name, name, ml.UnderlyingResourceActionDetach, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := poller.PollUntilDone(t.Context(), often); err != nil {
		t.Fatal(err)
	}
}

// get has to succeed.
func (one workspace) get(t *testing.T, name string) ml.ComputeResource {
	t.Helper()
	answer, err := one.Get(t.Context(), group, one.name, name, nil)
	if err != nil {
		t.Fatal(err)
	}
	return answer.ComputeResource
}

// seed adds a compute that the client did not create.
func (one workspace) seed(t *testing.T, name string, properties map[string]any) {
	t.Helper()
	azure.seed(t, map[string]any{"computes": []any{map[string]any{"id": one.id + "/computes/" + name, "properties": properties}}})
}

// sent lists what was sent to the workspace itself, without the operations.
func (one workspace) sent(t *testing.T, methods ...string) []sent {
	t.Helper()
	var found []sent
	for _, request := range azure.journal(t, "/workspaces/"+one.name+"/") {
		for _, method := range methods {
			if request.Method == method {
				found = append(found, request)
			}
		}
	}
	return found
}

// body decodes the body of the only PUT.
func (one workspace) body(t *testing.T) map[string]any {
	t.Helper()
	puts := one.sent(t, "PUT")
	if len(puts) != 1 {
		t.Fatalf("%d PUTs, not one", len(puts))
	}
	var body map[string]any
	if err := json.Unmarshal(puts[0].Body, &body); err != nil {
		t.Fatal(err)
	}
	return body
}

// synapse returns the properties of a compute, which has to be of the type SynapseSpark.
func synapse(t *testing.T, compute ml.ComputeResource) *ml.SynapseSpark {
	t.Helper()
	properties, is := compute.Properties.(*ml.SynapseSpark)
	if !is {
		t.Fatalf("the client shows a %T, not a SynapseSpark", compute.Properties)
	}
	return properties
}

// refused returns the error as the client shows an answer of Azure, which has to have this status and this code.
func refused(t *testing.T, err error, status int, code string) *azcore.ResponseError {
	t.Helper()
	var answer *azcore.ResponseError
	if !errors.As(err, &answer) {
		t.Fatalf("%v, and not an error of Azure", err)
	}
	if answer.StatusCode != status || answer.ErrorCode != code {
		t.Fatalf("%d %s, not %d %s: %v", answer.StatusCode, answer.ErrorCode, status, code, err)
	}
	return answer
}

// equal compares the values behind pointers, too.
func equal(t *testing.T, what string, found, expected any) {
	t.Helper()
	if !reflect.DeepEqual(found, expected) {
		t.Errorf("%s: %s, not %s", what, text(found), text(expected))
	}
}

func text(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	return string(text)
}

// folded is an ID for comparisons: Azure changes the case of some parts.
func folded(id *string) string {
	if id == nil {
		return ""
	}
	return strings.ToLower(*id)
}

// query decodes the query of a request.
func query(t *testing.T, request sent) url.Values {
	t.Helper()
	values, err := url.ParseQuery(request.Query)
	if err != nil {
		t.Fatal(err)
	}
	return values
}
