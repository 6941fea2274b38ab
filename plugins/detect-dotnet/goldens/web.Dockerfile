# dotnet app, found by `dotnet`
# dotnet 8.0: Shop.csproj:3 TargetFramework
# sdk 8.0: Shop.csproj:3 TargetFramework
# manager nuget: Shop.csproj
# start dotnet: Shop.csproj: its assembly

FROM mcr.microsoft.com/dotnet/sdk:8.0 AS build
WORKDIR /app
ENV DOTNET_CLI_TELEMETRY_OPTOUT="1" \
    DOTNET_NOLOGO="1"
COPY Shop.csproj ./
RUN --mount=type=cache,target=/root/.nuget/packages ["dotnet", "restore", "Shop.csproj"]
COPY . .
RUN --mount=type=cache,target=/root/.nuget/packages ["dotnet", "publish", "Shop.csproj", "-c", "Release", "-o", "/out", "--no-restore"]

FROM mcr.microsoft.com/dotnet/aspnet:8.0 AS run
WORKDIR /app
COPY --from=build /out/ /app/
USER 10001
EXPOSE 8080
CMD ["sh", "-c", "ASPNETCORE_URLS=http://0.0.0.0:$PORT exec dotnet '/app/Shop.dll'"]
