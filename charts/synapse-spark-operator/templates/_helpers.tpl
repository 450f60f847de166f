{{- /* Names are rendered with toYaml, which quotes a name that YAML would read as a number. */}}
{{- define "synapse-spark-operator.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- /* The name of the pod of `helm test` in its labels. It differs from that of the operator's pods, so that the Service and the
PodDisruptionBudget do not select it. */}}
{{- define "synapse-spark-operator.checkName" -}}
{{ include "synapse-spark-operator.name" . | trunc 57 | trimSuffix "-" }}-check
{{- end }}

{{- define "synapse-spark-operator.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- if contains $name .Release.Name }}
{{- .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- end }}
{{- end }}

{{- /* The labels of the pods of shards. The default Deployment has none, because its selector is immutable. */}}
{{- define "synapse-spark-operator.shardName" -}}
{{ include "synapse-spark-operator.name" . | trunc 57 | trimSuffix "-" }}-shard
{{- end }}

{{- define "synapse-spark-operator.selectorLabels" -}}
{{- with get . "shard" -}}
app.kubernetes.io/name: {{ include "synapse-spark-operator.shardName" $ | toYaml }}
app.kubernetes.io/instance: {{ toYaml $.Release.Name }}
synapse-spark.dev/shard: {{ toYaml .name }}
{{- else -}}
app.kubernetes.io/name: {{ include "synapse-spark-operator.name" . | toYaml }}
app.kubernetes.io/instance: {{ toYaml .Release.Name }}
{{- end }}
{{- end }}

{{- /* Selects the objects of the default Deployment, and those of all shards. */}}
{{- define "synapse-spark-operator.selectAll" -}}
{{- if .Values.shards -}}
matchExpressions:
  - key: app.kubernetes.io/name
    operator: In
    values: [{{ include "synapse-spark-operator.name" . | quote }}, {{ include "synapse-spark-operator.shardName" . | quote }}]
  - key: app.kubernetes.io/instance
    operator: In
    values: [{{ quote .Release.Name }}]
{{- else -}}
matchLabels:
  {{- include "synapse-spark-operator.selectorLabels" . | nindent 2 }}
{{- end }}
{{- end }}

{{- /* Renders a template for the default Deployment, and once for each shard: list $ TEMPLATE. A shard's own values take
precedence. */}}
{{- define "synapse-spark-operator.forEach" }}
{{- $root := first . }}
{{- $template := last . }}
{{- include $template $root }}
{{- range $root.Values.shards }}
---
{{- $values := mergeOverwrite (deepCopy $root.Values) (deepCopy (omit . "name" "subscriptions")) }}
{{- $context := dict "Values" $values "Chart" $root.Chart "Release" $root.Release "Capabilities" $root.Capabilities "shard" . }}
{{- include $template $context }}
{{- end }}
{{- end }}

{{- /* The name of the objects of the default Deployment, or of a shard. */}}
{{- define "synapse-spark-operator.workloadName" -}}
{{- $name := include "synapse-spark-operator.fullname" . }}
{{- with get . "shard" -}}
{{ $name | trunc (int (sub 62 (len .name))) | trimSuffix "-" }}-{{ .name }}
{{- else -}}
{{ $name }}
{{- end }}
{{- end }}

{{- /* The subscriptions of all shards. */}}
{{- define "synapse-spark-operator.subscriptions" -}}
{{- $all := list }}
{{- range .Values.shards }}
{{- $all = concat $all .subscriptions }}
{{- end }}
{{- $all | sortAlpha | join "," }}
{{- end }}

{{- /* The names of the Leases. */}}
{{- define "synapse-spark-operator.leaseNames" -}}
synapse-spark-operator
{{- range .Values.shards }}
{{- range .subscriptions }}, synapse-spark-operator-{{ . }}
{{- end }}
{{- end }}
{{- end }}

{{- /* By this label people and kubectl-synapse find the operator, whatever its names are. No other value may replace it. */}}
{{- define "synapse-spark-operator.componentLabel" -}}
synapse-spark.dev/component: operator
{{- end }}

{{- /* All labels except those that select pods. */}}
{{- define "synapse-spark-operator.commonLabels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "synapse-spark-operator.labels" -}}
{{ include "synapse-spark-operator.selectorLabels" . }}
{{ include "synapse-spark-operator.commonLabels" . }}
{{- end }}

{{- /* Merges several maps; a later one takes precedence. */}}
{{- define "synapse-spark-operator.merged" -}}
{{- $merged := dict }}
{{- range . }}
{{- range $key, $value := . }}
{{- $_ := set $merged $key $value }}
{{- end }}
{{- end }}
{{- toYaml $merged }}
{{- end }}

{{- /* The annotations of an object: the common ones, and its own, which take precedence: list $ ANNOTATIONS…. Empty if there are
none. */}}
{{- define "synapse-spark-operator.annotations" -}}
{{- $all := include "synapse-spark-operator.merged" (prepend (rest .) (first .).Values.commonAnnotations) }}
{{- if ne $all "{}" }}{{ $all }}{{ end }}
{{- end }}

{{- define "synapse-spark-operator.serviceAccountName" -}}
{{- .Values.serviceAccount.name | default (include "synapse-spark-operator.fullname" .) }}
{{- end }}

{{- /* The image. If a registry is set, it replaces the registry in the repository, if there is one. */}}
{{- define "synapse-spark-operator.image" -}}
{{- $registry := .Values.image.registry | default (dig "imageRegistry" "" (.Values.global | default dict)) }}
{{- with .Values.image -}}
{{- $parts := splitList "/" .repository }}
{{- $named := and (gt (len $parts) 1) (or (contains "." (first $parts)) (contains ":" (first $parts))) }}
{{- with $registry }}{{ . }}/{{ end }}{{ if and $registry $named }}{{ rest $parts | join "/" }}{{ else }}{{ .repository }}{{ end }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ .tag | default $.Chart.AppVersion }}{{ end }}
{{- end }}
{{- end }}

{{- /* The name of objects that are cluster-scoped or in other namespaces. With watchNamespaces it contains the namespace of the
release, because several teams may have a release of the same name. */}}
{{- define "synapse-spark-operator.clusterName" -}}
{{ include "synapse-spark-operator.fullname" . }}{{ with .Values.watchNamespaces }}-{{ $.Release.Namespace }}{{ end }}
{{- end }}

{{- /* The name of an object that may be in another namespace: list $ NAMESPACE. */}}
{{- define "synapse-spark-operator.nameIn" -}}
{{- $home := (first .).Release.Namespace }}
{{- $here := eq $home (last . | default $home) }}
{{- include (ternary "synapse-spark-operator.fullname" "synapse-spark-operator.clusterName" $here) (first .) }}
{{- end }}

{{- /* The fields that the operator's pods and the pod of `helm test` have in common: scheduling and network. */}}
{{- define "synapse-spark-operator.podSettings" -}}
{{- with concat .Values.imagePullSecrets (dig "imagePullSecrets" list (.Values.global | default dict)) | uniq }}
imagePullSecrets:
  {{- range . }}
  - {{ toYaml (kindIs "string" . | ternary (dict "name" .) .) }}
  {{- end }}
{{- end }}
{{- with .Values.schedulerName }}
schedulerName: {{ toYaml . }}
{{- end }}
{{- with .Values.runtimeClassName }}
runtimeClassName: {{ toYaml . }}
{{- end }}
{{- if .Values.hostNetwork }}
hostNetwork: true
{{- end }}
{{- with .Values.dnsPolicy | default (ternary "ClusterFirstWithHostNet" "" .Values.hostNetwork) }}
dnsPolicy: {{ . }}
{{- end }}
{{- with .Values.dnsConfig }}
dnsConfig:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.hostAliases }}
hostAliases:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- /* Whether the cluster's webhook mounts a token of the ServiceAccount for Entra. */}}
{{- define "synapse-spark-operator.webhook" -}}
{{- if and (has .Values.azure.credential (list "auto" "workload-identity")) (not .Values.azure.projectToken) }}true{{ end }}
{{- end }}

{{- /* Additional labels, without those that select pods. */}}
{{- define "synapse-spark-operator.podLabels" -}}
{{- $webhook := dict }}
{{- if include "synapse-spark-operator.webhook" . }}
{{- $webhook = dict "azure.workload.identity/use" "true" }}
{{- end }}
{{- $shard := dict }}
{{- if and .Values.shards (not (get . "shard")) }}
{{- $shard = dict "synapse-spark.dev/shard" "default" }}
{{- end }}
{{- include "synapse-spark-operator.merged" (list .Values.commonLabels $webhook .Values.podLabels $shard) }}
{{- end }}

{{- /* The arguments that `run` and `check` have in common. */}}
{{- define "synapse-spark-operator.args" -}}
- --credential={{ .Values.azure.credential }}
- --cloud={{ .Values.azure.cloud }}
{{- with .Values.azure.armEndpoint }}
- --arm-endpoint={{ . }}
{{- end }}
{{- with .Values.azure.authorityHost }}
- --authority-host={{ . }}
{{- end }}
{{- with .Values.azure.synapseEndpoint }}
- --synapse-endpoint={{ . }}
{{- end }}
{{- with .Values.azure.requestShare }}
- --azure-request-share={{ . }}
{{- end }}
{{- with .Values.azure.tokenAudience }}
- --token-audience={{ . }}
{{- end }}
{{- with .Values.azure.clientId }}
- --client-id={{ . }}
{{- end }}
{{- with .Values.azure.tenantId }}
- --tenant-id={{ . }}
{{- end }}
{{- if .Values.azure.projectToken }}
- --federated-token-file=/var/run/secrets/azure/tokens/azure-identity-token
{{- end }}
{{- if .Values.azure.clientSecret.existingSecret }}
- --client-secret-file=/var/run/secrets/azure/client-secret/{{ .Values.azure.clientSecret.key }}
{{- end }}
{{- if or .Values.azure.ca.configMap .Values.azure.ca.secret }}
- --azure-ca-file=/var/run/secrets/azure/ca/{{ .Values.azure.ca.key }}
{{- end }}
{{- if .Values.namespaceIdentity.required }}
- --require-service-account
{{- end }}
{{- with .Values.watchNamespaces }}
- --watch-namespaces={{ join "," . }}
{{- end }}
{{- with get . "shard" }}
- --watch-subscriptions={{ .subscriptions | sortAlpha | join "," }}
{{- else }}
{{- if .Values.shards }}
- --watch-subscriptions-except={{ include "synapse-spark-operator.subscriptions" . }}
{{- end }}
{{- end }}
- --leader-election={{ .Values.leaderElection.enabled }}
{{- if .Values.leaderElection.enabled }}
- --leader-election-namespace={{ include "synapse-spark-operator.leaseNamespace" . }}
{{- end }}
{{- end }}

{{- define "synapse-spark-operator.env" -}}
- name: POD_NAME
  valueFrom:
    fieldRef:
      apiVersion: v1
      fieldPath: metadata.name
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- /* The audience of the tokens that Entra exchanges. Default: that of the cloud. */}}
{{- define "synapse-spark-operator.tokenAudience" -}}
{{- with .Values.azure }}
{{- .tokenAudience | default (get (dict "public" "api://AzureADTokenExchange" "china" "api://AzureADTokenExchangeChina" "usgov" "api://AzureADTokenExchangeUSGov") .cloud) }}
{{- end }}
{{- end }}

{{- define "synapse-spark-operator.volumes" -}}
{{- with .Values.azure }}
{{- if .projectToken }}
- name: azure-identity-token
  projected:
    sources:
      - serviceAccountToken:
          audience: {{ include "synapse-spark-operator.tokenAudience" $ | toYaml }}
          expirationSeconds: 3600
          path: azure-identity-token
{{- end }}
{{- with .clientSecret.existingSecret }}
- name: azure-client-secret
  secret:
    secretName: {{ toYaml . }}
{{- end }}
{{- if .ca.configMap }}
- name: azure-ca
  configMap:
    name: {{ toYaml .ca.configMap }}
{{- else if .ca.secret }}
- name: azure-ca
  secret:
    secretName: {{ toYaml .ca.secret }}
{{- end }}
{{- end }}
{{- with .Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "synapse-spark-operator.volumeMounts" -}}
{{- with .Values.azure }}
{{- if .projectToken }}
- name: azure-identity-token
  mountPath: /var/run/secrets/azure/tokens
  readOnly: true
{{- end }}
{{- if .clientSecret.existingSecret }}
- name: azure-client-secret
  mountPath: /var/run/secrets/azure/client-secret
  readOnly: true
{{- end }}
{{- if or .ca.configMap .ca.secret }}
- name: azure-ca
  mountPath: /var/run/secrets/azure/ca
  readOnly: true
{{- end }}
{{- end }}
{{- with .Values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* The namespace of the Lease. */}}
{{- define "synapse-spark-operator.leaseNamespace" -}}
{{- .Values.leaderElection.namespace | default .Release.Namespace -}}
{{- end }}
